import Control

/// How far a job is, in one line.
enum ProgressLine {
  private static let barWidth = 24

  /// A line with a bar, for a terminal.
  static func bar(_ progress: JobProgress) -> String {
    let filled = Int((progress.fraction ?? 0) * Double(barWidth))
    let bar =
      String(repeating: "#", count: filled) + String(repeating: "-", count: barWidth - filled)
    let phase = progress.phase.rawValue
    let name = phase + String(repeating: " ", count: max(0, 9 - phase.count))
    return "\(name) [\(bar)] \(facts(of: progress).joined(separator: "  "))"
  }

  /// A line of words, for a pipe.
  static func plain(_ progress: JobProgress) -> String {
    "\(progress.phase.rawValue): \(facts(of: progress).joined(separator: ", "))"
  }

  private static func facts(of progress: JobProgress) -> [String] {
    var facts: [String] = []
    if let fraction = progress.fraction { facts.append("\(Int(100 * fraction))%") }
    if progress.total > 0, !progress.phase.countsRealImages {
      let noun = noun(of: progress.phase)
      facts.append("\(noun)\(progress.done)/\(progress.total)")
    }
    if let speed = progress.speed { facts.append("\(Rounded.text(speed))/s") }
    if let seconds = progress.remainingSeconds { facts.append("eta \(Rounded.duration(seconds))") }
    if let epsilon = progress.plannedEpsilon {
      let target = progress.targetEpsilon.map { " of \(Rounded.text($0))" } ?? ""
      facts.append("epsilon \(Rounded.bound(epsilon))\(target)")
    }
    return facts
  }

  private static func noun(of phase: JobPhase) -> String {
    switch phase {
    case .train: "step "
    case .generate: "image "
    case .scan, .decode, .calibrate, .evaluate, .pack: ""
    }
  }
}

/// Decides which progress is worth a line of its own where lines stay.
struct PlainProgress {
  private var phase: JobPhase?
  private var shown = -1

  /// Percent between two lines of a phase.
  static let stride = 5

  /// Whether this progress gets a line: a new phase, or five percent more than the last line.
  mutating func deservesLine(_ progress: JobProgress) -> Bool {
    let percent = Int(100 * (progress.fraction ?? 0))
    if progress.phase == phase, percent < shown + Self.stride, percent < 100 || shown == 100 {
      return false
    }
    phase = progress.phase
    shown = percent
    return true
  }
}
