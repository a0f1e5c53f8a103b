import Glibc

// What advice says: expectations with the measured runs behind them, and what would help. All of it follows from
// recipes, the table of measured runs and plans; the images contribute their units alone, as to a plan.
extension Advice {
  /// The fewest images of a class that are worth a class of its own, from the smallest measured set.
  private static let fewImagesPerClass = 200

  /// What to expect of the choice, sentence by sentence; why there is none, if nothing gives more than noise.
  public var expectation: [String] {
    guard let choice else { return [failureInWords] }
    var words: [String] = []
    if let quality = choice.quality {
      words.append(
        "A classifier that learns from the drawn images alone should come about \(quality.percent) % of the way "
          + "from guessing to what as many real images give. Other images may be easier or harder than the "
          + "measured ones, so look at the sheet of a run.")
      words += quality.evidence.prefix(2).map { "Measured: \($0.words)." }
      if quality.halvingsBelow > 0 {
        words.append(
          quality.lacksImages
            ? "This recipe was not measured with so few images, so the estimate is an extrapolation."
            : "Your images and epsilon carry \(Self.factor(quality.halvingsBelow)) times less signal (epsilon times "
              + "images) than that run, so the estimate is an extrapolation.")
      }
    } else {
      words.append("Nothing was measured with this recipe that would let expect an accuracy.")
    }
    if let sheet = choice.sheet { words.append("A sheet of a measured run: \(sheet)") }
    if let phases = choice.phases { words.append(phases) }
    if !choice.suitsColours {
      words.append(
        choice.image.channels == 1
          ? "It draws in grey, although these images have colours."
          : "It draws in colour, although these images are grey: a part of epsilon pays for colours."
      )
    }
    if let warning = choice.trial?.warning {
      words.append(
        choice.trial?.noise == .noise
          ? "Judged by the number of its parameters alone, noise would outweigh these images; the measured run "
            + "shows otherwise." : warning)
    }
    return words
  }

  /// What would help, most effective first.
  public var help: [String] {
    var help: [String] = []
    let best = choice ?? runs.first { $0.trial != nil }
    if let tooLong = runs.first(where: { $0.isTooLong }),
      choice.map({ tooLong.promises(moreThan: $0) }) ?? true, let seconds = tooLong.trial?.seconds
    {
      let hours = (seconds / 360).rounded(.up) / 10
      help.append(
        "More time: \(tooLong.recipe) takes about \(hours) hours on this machine"
          + (tooLong.quality.map { ", for about \($0.percent) % of the way." } ?? "."))
    }
    if choice == nil, let warning = runs.lazy.compactMap({ $0.trial?.warning }).first {
      help.append(warning)
    }
    if let choice, choice.trial?.warning == nil, let quality = choice.quality,
      quality.halvingsBelow > 0
    {
      help.append(
        quality.lacksImages
          ? "More images: with \(Self.factor(quality.halvingsBelow)) times as many, what was measured counts."
          : "More images or a larger epsilon: with \(Self.factor(quality.halvingsBelow)) times the product of both, "
            + "the measured run above is reached.")
    }
    if let classes = question.classes, let best, classes > 2,
      best.units / classes < Self.fewImagesPerClass
    {
      help.append(
        "Fewer classes: \(best.units) images in \(classes) classes are few for each. Merge rare classes."
      )
    }
    if let best, best.trial?.noise != .clear,
      let smaller = runs.first(where: {
        $0.isSmaller(than: best) && $0.promises(moreThan: best) && $0.mayGiveMoreThanNoise
      })
    {
      help.append(
        "Smaller or grey images: \(smaller.recipe) makes \(smaller.image.inWords)"
          + (smaller.quality.map { " and should come about \($0.percent) % of the way." } ?? "."))
    }
    return help
  }

  private var failureInWords: String {
    if runs.isEmpty {
      return "There is no recipe for private training. Add one to the folder of recipes."
    }
    if runs.allSatisfy({ if case .impossible = $0.state { true } else { false } }) {
      return "No recipe suits these images; the table names the reasons."
    }
    if runs.contains(where: \.isTooLong) {
      return "Nothing that gives more than noise fits into the time."
    }
    return
      "Nothing here gives more than noise from these images at epsilon \(AdviceNumber.text(question.epsilon)): "
      + "do not spend a budget on it."
  }

  /// Two to the power of `halvings`, in one or two digits.
  private static func factor(_ halvings: Double) -> String {
    let factor = pow(2, halvings)
    guard factor >= 10 else { return AdviceNumber.text((factor * 10).rounded() / 10) }
    let step = pow(10, log10(factor).rounded(.down) - 1)
    return AdviceNumber.text((factor / step).rounded() * step)
  }
}

extension AdvisedRun {
  fileprivate var isTooLong: Bool { if case .tooLong = state { true } else { false } }

  /// Whether nothing speaks against it, or at least no plan has spoken yet.
  fileprivate var mayGiveMoreThanNoise: Bool {
    switch state {
    case .possible: true
    case .waiting: quality.map { !$0.isWorthless } ?? false
    case .tooLong, .noise, .impossible: false
    }
  }

  fileprivate func promises(moreThan other: AdvisedRun) -> Bool {
    (quality?.share ?? 0) > (other.quality?.share ?? 0)
  }

  fileprivate func isSmaller(than other: AdvisedRun) -> Bool {
    image.height * image.width * image.channels
      < other.image.height * other.image.width * other.image.channels
  }
}

extension ImageSettings {
  /// The size and colours in words.
  fileprivate var inWords: String {
    "\(channels == 1 ? "grey" : "colour") images of \(width)×\(height) pixels"
  }
}

extension Measurement {
  /// The run and its figures in words.
  public var words: String {
    let number = "\(AdviceNumber.count(images)) images"
    var text = data.hasPrefix(number) ? data : "\(data), \(number)"
    text += epsilon.map { " at epsilon \(AdviceNumber.text($0))" } ?? " without privacy"
    if let steps, let batchSize {
      text += ", \(AdviceNumber.count(steps)) steps of \(AdviceNumber.count(batchSize))"
    }
    for (path, value) in (settings ?? [:]).sorted(by: { $0.key < $1.key }) {
      text += ", \(path) \(AdviceNumber.text(value))"
    }
    guard let accuracy else { return text }
    text += ": \(AdviceNumber.text(accuracy)) % of test images classified correctly"
    var beside: [String] = []
    if let drawn { beside.append("from \(AdviceNumber.count(drawn)) drawn images") }
    if let interval { beside.append(interval.map(AdviceNumber.text).joined(separator: " to ")) }
    if let real { beside.append("\(AdviceNumber.text(real)) % with as many real images") }
    return text + (beside.isEmpty ? "" : " (\(beside.joined(separator: "; ")))")
  }
}

/// Numbers in advice and warnings.
enum AdviceNumber {
  /// A whole number with separators, `60,000`.
  static func count(_ value: Int) -> String {
    let digits = Array(String(value))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A number as people type it.
  static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? count(Int(value)) : "\(value)"
  }
}
