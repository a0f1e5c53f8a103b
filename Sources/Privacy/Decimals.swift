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

  /// A parameter of a mechanism in a sentence: five digits.
  ///
  /// Files of numbers have all of them.
  static func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return number(value) }
    let step = pow(10, (4 - log10(abs(value)).rounded(.down)))
    return number((value * step).rounded() / step)
  }

  /// A number as people type it, `1e-5` for 1e-05, `10` for 10.0, `0.3` for 0.30000000000000004.
  ///
  /// It keeps nine digits and may round down, so it is not for computed bounds: `epsilon` rounds those up.
  public static func number(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    let exponent = Int(log10(abs(value)).rounded(.down))
    // Powers of ten up to 10^22 are exact.
    let scale = pow(10.0, Double(min(22, abs(8 - exponent))))
    let rounded =
      exponent <= 8 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
    if rounded == rounded.rounded(), abs(rounded) < 1e15 { return "\(Int(rounded))" }
    let text = "\(rounded)"
    guard let mark = text.firstIndex(of: "e") else { return text }
    let mantissa = text[..<mark]
    let power = Int(text[text.index(after: mark)...]) ?? 0
    return (mantissa.hasSuffix(".0") ? mantissa.dropLast(2) : mantissa) + "e\(power)"
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
