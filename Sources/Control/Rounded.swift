import FoundationEssentials
import Glibc

/// Numbers as people read them.
public enum Rounded {
  /// A number with three significant digits, `0.0123`, `4.57`, `1230`.
  public static func text(_ value: Double) -> String { text(value, isBound: false) }

  /// An upper bound with three digits: the printed number is never smaller than the bound.
  public static func bound(_ value: Double) -> String { text(value, isBound: true) }

  private static func text(_ value: Double, isBound: Bool) -> String {
    guard value.isFinite else { return "\(value)" }
    guard value != 0 else { return "0" }
    let magnitude = abs(value)
    if magnitude < 1e-4 { return scientific(value, isBound) }
    var scale = 1.0
    var shown = magnitude
    while shown < 100, scale < 1e7 {
      shown *= 10
      scale *= 10
    }
    let rounded = rounded(value, scale, isBound)
    guard rounded == rounded.rounded(), abs(rounded) < 1e15 else { return "\(rounded)" }
    return count(Int(rounded))
  }

  /// A whole number, `60,000`.
  public static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A number as people type it, `0.3` for 0.30000000000000004, `1e-5` for 1e-05.
  ///
  /// It keeps nine digits: more than people type, and too few to show binary rounding.
  public static func number(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    let magnitude = abs(value)
    let exponent = Int(log10(magnitude).rounded(.down))
    // Powers of ten up to 10^22 are exact.
    let scale = pow(10, Double(min(22, abs(8 - exponent))))
    let rounded =
      exponent <= 8 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
    if rounded == rounded.rounded(), abs(rounded) < 1e15 { return count(Int(rounded)) }
    let text = "\(rounded)"
    guard let mark = text.firstIndex(of: "e") else { return text }
    let power = Int(text[text.index(after: mark)...]) ?? 0
    let mantissa = text[..<mark]
    return (mantissa.hasSuffix(".0") ? mantissa.dropLast(2) : mantissa) + "e\(power)"
  }

  /// The nearest multiple of 1/`scale`, or the next one if that is below a bound.
  private static func rounded(_ value: Double, _ scale: Double, _ isBound: Bool) -> Double {
    let nearest = (value * scale).rounded()
    return (isBound && nearest / scale < value ? nearest + 1 : nearest) / scale
  }

  /// A number of seconds, `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let whole = Int(min(seconds, 1e12).rounded())
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86400)
    if minutes == 0 { return "\(whole) s" }
    if hours == 0 { return "\(minutes) min" + rest(whole % 60, "s") }
    if days == 0 { return "\(hours) h" + rest(minutes % 60, "min") }
    return "\(days) d" + rest(hours % 24, "h")
  }

  private static func rest(_ value: Int, _ unit: String) -> String {
    value == 0 ? "" : " \(value) \(unit)"
  }

  /// A number of bytes, `512 B`, `1.5 MiB`.
  public static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if abs(value) < 1024 { return "\(text(value)) \(unit)" }
      value /= 1024
    }
    return "\(text(value)) TiB"
  }

  private static func scientific(_ value: Double, _ isBound: Bool) -> String {
    var exponent = 0
    var mantissa = value
    while abs(mantissa) < 1 {
      mantissa *= 10
      exponent -= 1
    }
    let rounded = rounded(mantissa, 100, isBound)
    let shown = rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    return "\(shown)e\(exponent)"
  }
}
