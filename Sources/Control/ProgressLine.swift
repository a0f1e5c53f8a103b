/// How far a job is, in one line.
public enum ProgressLine {
  private static let barWidth = 24
  private static let leastBarWidth = 8

  /// A line with a bar that fits a terminal of `width` columns.
  ///
  /// If it does not fit, the bar becomes shorter, then the least important parts are omitted;
  /// nothing is cut.
  public static func bar(_ progress: JobProgress, width: Int = Terminal.usualWidth) -> String {
    bar(stage(of: progress), progress.fraction ?? 0, facts(of: progress), width: width)
  }

  /// The same for work without a job: its stage, the completed share, and the time that it has taken.
  public static func bar(
    _ stage: String, share: Double, elapsedSeconds: Double, width: Int = Terminal.usualWidth
  ) -> String {
    bar(stage, share, facts(ofShare: share, elapsedSeconds), width: width)
  }

  private static func bar(
    _ name: String, _ fraction: Double, _ all: [(text: String, weight: Int)], width: Int
  ) -> String {
    var facts = all
    // A terminal moves to the next line when its last column is written to.
    let room = width - 1
    while true {
      let text = facts.map(\.text).joined(separator: "  ")
      let start = name + String(repeating: " ", count: max(0, 9 - name.count)) + " "
      let left = room - start.count - text.count - 3
      if left >= leastBarWidth {
        return start + bar(fraction, width: min(barWidth, left))
          + (text.isEmpty ? "" : " " + text)
      }
      guard let least = facts.indices.min(by: { facts[$0].weight < facts[$1].weight }),
        facts.count > 1
      else { return String((name + " " + text).prefix(room)) }
      facts.remove(at: least)
    }
  }

  /// A line of words, for a pipe.
  public static func plain(_ progress: JobProgress) -> String {
    plain(stage(of: progress), facts(of: progress))
  }

  /// The same for work without a job.
  public static func plain(_ stage: String, share: Double, elapsedSeconds: Double) -> String {
    plain(stage, facts(ofShare: share, elapsedSeconds))
  }

  private static func plain(_ name: String, _ facts: [(text: String, weight: Int)]) -> String {
    ([name] + (facts.isEmpty ? [] : [facts.map(\.text).joined(separator: ", ")]))
      .joined(separator: ": ")
  }

  private static func bar(_ fraction: Double, width: Int) -> String {
    let filled = Int(min(1, max(0, fraction)) * Double(width))
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: "-", count: width - filled) + "]"
  }

  /// The phase of the run's plan; the activity where there is none, or only one of training.
  private static func stage(of progress: JobProgress) -> String {
    guard let name = progress.name, name != "training" else { return progress.phase.rawValue }
    return name
  }

  /// The parts of the line, each with its priority.
  private static func facts(of progress: JobProgress) -> [(text: String, weight: Int)] {
    var facts: [(text: String, weight: Int)] = []
    if let fraction = progress.fraction { facts.append(("\(Int(100 * fraction))%", 5)) }
    // Parts of other phases have no meaningful name.
    if progress.total > 0, let noun = noun(of: progress) {
      facts.append(
        ("\(noun)\(Rounded.count(progress.done))/\(Rounded.count(progress.total))", 1))
    }
    if let speed = progress.speed { facts.append(("\(Rounded.text(speed))/s", 0)) }
    if let seconds = progress.remainingSeconds {
      facts.append(("\(Rounded.duration(seconds)) left", 4))
    }
    if let epsilon = progress.plannedEpsilon {
      let target = progress.targetEpsilon.map { " of \(Rounded.bound($0))" } ?? ""
      facts.append(("epsilon \(Rounded.bound(epsilon))\(target)", 3))
    }
    return facts
  }

  private static func facts(
    ofShare share: Double, _ elapsedSeconds: Double
  ) -> [(text: String, weight: Int)] {
    [("\(Int(100 * share))%", 5), (Rounded.duration(elapsedSeconds), 4)]
  }

  private static func noun(of progress: JobProgress) -> String? {
    switch progress.phase {
    case .train: progress.isFree == true ? "free step " : "step "
    case .generate: "drawn "
    case .scan, .decode, .calibrate, .evaluate, .pack: nil
    }
  }
}
