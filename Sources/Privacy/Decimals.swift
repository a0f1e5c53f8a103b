import Glibc

/// Numbers for people.
///
/// A printed epsilon is never smaller than the computed one.
public enum Decimals {
  /// An epsilon for people: four decimals, more where it is small, rounded towards infinity.
  public static func epsilon(_ value: Double) -> String {
    guard value > 0, value < 0.1 else { return roundedUp(value, places: 4) }
    return roundedUp(value, places: min(15, 3 - Int(log10(value).rounded(.down))))
  }

  /// `value` with `places` decimals, rounded towards infinity.
  public static func roundedUp(_ value: Double, places: Int) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let scale = pow(10.0, Double(places))
    var scaled = (value * scale).rounded(.up)
    if scaled / scale < value { scaled += 1 }
    let whole = Int64(abs(scaled)) / Int64(scale)
    var fraction = String(Int64(abs(scaled)) % Int64(scale))
    while fraction.utf8.count < places { fraction = "0" + fraction }
    while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
    let sign = scaled < 0 ? "-" : ""
    return fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
  }
}
