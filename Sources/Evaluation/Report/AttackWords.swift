/// The sentences about an attack. Every sentence is based on an interval, states it, and claims no
/// more.

extension MembershipRanking {
  /// The area and its interval, for every sentence about an attack.
  var areaWords: String {
    "area under the ROC curve \(Figures.text(areaUnderCurve)), 95 % interval "
      + "\(Figures.text(interval.low)) to \(Figures.text(interval.high)), 0.5 by guessing"
  }

  /// Whether the whole interval is above guessing.
  var isAboveGuessing: Bool { interval.low > 0.5 }
}

extension AttackFinding {
  /// Whether members were distinguished, with less certainty than a flag requires, and better than with other real
  /// images in place of the set.
  var isToldApart: Bool {
    !isFlagged && ranking.isAboveGuessing
      && ranking.areaUnderCurve > (null?.areaUnderCurve ?? 0.5)
  }

  /// The result of the attack.
  var conclusion: String {
    if isFlagged {
      let chance = max(0.5, null?.interval.high ?? 0.5)
      if ranking.cautiousLowerBound > chance {
        return
          "“\(title)” found members: \(ranking.areaWords). That is more than chance and the control "
          + "explain."
      }
      let operation = ranking.operations[0]
      return "“\(title)” found some members: "
        + "\(Figures.percent(operation.truePositiveRate)) of them at "
        + "\(Figures.percent(operation.falsePositiveRate)) false alarms. That is more than chance and "
        + "the control explain; \(ranking.areaWords)."
    }
    let control =
      null.map {
        " With other real images in place of the set, the area is \(Figures.text($0.areaUnderCurve))."
      }
      ?? ""
    if isToldApart { return "“\(title)” distinguished members: \(ranking.areaWords).\(control)" }
    if ranking.isAboveGuessing {
      return
        "“\(title)” distinguished members no better than without the set, because training and test images "
        + "differ: \(ranking.areaWords).\(control)"
    }
    return
      "“\(title)” could not distinguish members from other real images: \(ranking.areaWords)."
  }
}

extension AttackFindings {
  /// The text if no attack distinguished members.
  static let noProof = "That is no proof of privacy: a better attack may succeed."
}

extension OutlierExposure {
  /// The result for the most isolated training images.
  var conclusion: String {
    ranking.isAboveGuessing
      ? "The most isolated training images could be distinguished from other isolated images: "
        + "\(ranking.areaWords)."
      : "The most isolated training images could not be distinguished from other isolated images: "
        + "\(ranking.areaWords)."
  }
}

extension Memorization {
  /// The result about copies.
  var conclusion: String {
    let copies =
      "\(Figures.count(copiesOfTraining)) of \(Figures.count(count)) synthetic images are near copies of "
      + "training images, \(Figures.count(copiesOfHoldOut)) of other real images"
    let nearest =
      "of the \(Figures.count(nearest.count)) real images that are nearest to a synthetic image, "
      + "\(Figures.percent(nearest.share)) are training images (\(Figures.percent(control.share)) if training images "
      + "stand for the synthetic ones, half by chance)"
    return isFlagged
      ? "The set reproduces training images: \(copies); \(nearest). That is more than chance explains."
      : "No more copies of training images than chance explains: \(copies); \(nearest)."
  }
}

extension InversionProbe {
  /// The text of a flag.
  static let flagWords =
    "The average image of a class is less than half as far from a training image as from any other real "
    + "image of the class."
}
