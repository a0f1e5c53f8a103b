import Glibc

/// Formats the numbers of reports: four significant digits at most, independent of the locale.
enum Figures {
  /// The number for readers, for example "0.9731", "12.4", "1 340" or "3.1·10⁻⁵".
  static func text(_ value: Double) -> String {
    if value.isNaN { return "not defined" }
    if value.isInfinite { return value > 0 ? "∞" : "−∞" }
    if value == 0 { return "0" }
    let magnitude = abs(value)
    let sign = value < 0 ? "−" : ""
    if magnitude < 0.0009995 { return sign + scientific(magnitude) }
    if magnitude >= 9999.5 { return sign + grouped(magnitude.rounded()) }
    let decimals = magnitude >= 999.5 ? 0 : magnitude >= 99.95 ? 1 : magnitude >= 9.995 ? 2 : 3
    return sign + fixed(magnitude, decimals: magnitude < 0.9995 ? 4 : decimals)
  }

  /// A share as a percentage, for example "97.3 %".
  static func percent(_ value: Double, decimals: Int = 1) -> String {
    value.isNaN
      ? "not defined" : (value < 0 ? "−" : "") + fixed(abs(value) * 100, decimals: decimals) + " %"
  }

  /// A whole number with commas between thousands.
  static func count(_ value: Int) -> String {
    (value < 0 ? "−" : "") + grouped(Double(abs(value)))
  }

  /// A count and its noun, whose plural ends in s: "1 seed", "3 seeds".
  static func counted(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// A non-negative number with a maximum number of decimals, without trailing zeros.
  static func fixed(_ value: Double, decimals: Int) -> String {
    let scale = pow(10, Double(decimals))
    let scaled = (value * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int(scaled) / Int(scale)
    var fraction = String(Int(scaled) % Int(scale))
    guard decimals > 0 else { return String(whole) }
    fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
  }

  private static func grouped(_ value: Double) -> String {
    guard value < 9e15 else { return scientific(value) }
    let digits = Array(String(Int(value)))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  private static func scientific(_ value: Double) -> String {
    var exponent = Int(log10(value).rounded(.down))
    var mantissa = value / pow(10, Double(exponent))
    if mantissa >= 9.95 {
      mantissa /= 10
      exponent += 1
    }
    let raised: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷",
      "8": "⁸", "9": "⁹",
    ]
    return fixed(mantissa, decimals: 1) + "·10" + String(String(exponent).map { raised[$0] ?? $0 })
  }
}
