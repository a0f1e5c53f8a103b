/// Numbers as people read them.
public enum Rounded {
  /// A number with three digits that mean something, `0.0123`, `4.57`, `1230`.
  public static func text(_ value: Double) -> String { text(value, isBound: false) }

  /// An upper bound with three digits: what is printed is never smaller than the bound.
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
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }

  /// The nearest multiple of 1/`scale`, or the next one where that lies below a bound.
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
    if hours == 0 { return "\(minutes) min \(whole % 60) s" }
    if days == 0 { return "\(hours) h \(minutes % 60) min" }
    return "\(days) d \(hours % 24) h"
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
