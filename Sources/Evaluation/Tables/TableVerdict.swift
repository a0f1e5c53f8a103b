/// What the measures of a table contribute to the verdict.
extension VerdictRule {
  /// A column counts as predictable if a model trained on real rows beats the baseline by this much.
  private static let predictableGain = 0.05

  /// Less of the dependences than this is little.
  private static let keptShare = 0.5

  /// Adds the results about a table.
  static func add(_ tables: RealTableFindings, to both: inout Both) {
    addAttacks(tables, to: &both.privacy)
    addQuality(tables, to: &both.quality)
  }

  private static func addAttacks(_ tables: RealTableFindings, to remarks: inout Remarks) {
    if tables.copies.isFlagged { remarks.failures.append(tables.copies.conclusion) }
    guard tables.testCount != nil else {
      remarks.warnings.append(
        "No attack on the table was run: no real rows are known that the model has not seen.")
      return
    }
    if tables.copies.testSeemsTrained {
      // No attack can tell rows from themselves, so none of them is good news.
      remarks.warnings.append(tables.copies.trainedTestWords)
      return
    }
    if let singling = tables.singlingOut, singling.isFlagged {
      remarks.failures.append(singling.conclusion)
    }
    guard let inference = tables.inference else { return }
    if inference.isFlagged {
      remarks.failures.append(inference.conclusion)
    } else if inference.isToldApart {
      remarks.warnings.append(inference.conclusion)
    } else if inference.seesCopies {
      remarks.good.append("\(inference.conclusion) \(AttackFindings.noProof)")
    } else {
      remarks.good.append(InferenceFindings.blindWords)
    }
  }

  private static func addQuality(_ tables: RealTableFindings, to remarks: inout Remarks) {
    if let kept = AssociationFinding.keptShare(of: tables.associations) {
      remarks.isEstablished = true
      let words =
        "\(Figures.percent(kept)) of the dependences between columns are kept, on average over all pairs."
      if kept < keptShare {
        remarks.warnings.append(
          "The table shows little of how columns depend on each other: \(words)")
      } else {
        remarks.good.append(words)
      }
    }
    // Where independent columns are as near as real rows are, the distance of pairs says nothing.
    if let mean = tables.twoWay.mean, let independent = tables.twoWay.meanOfIndependent,
      tables.twoWay.meanOfReal.map({ $0 < independent }) ?? true
    {
      remarks.isEstablished = true
      let floor = tables.twoWay.meanOfReal.map { "\(Figures.text($0)) between real rows, " } ?? ""
      let words =
        "The mean distance of a pair of columns is \(Figures.text(mean))"
        + " (\(floor)\(Figures.text(independent)) with independent columns)."
      if mean > independent {
        remarks.warnings.append(
          "The table does not show how columns depend on each other: \(words)")
      } else {
        remarks.good.append(words)
      }
    }
    let shares = (tables.predictions ?? []).compactMap { finding -> Double? in
      guard let own = finding.synthetic.value, let real = finding.real.value,
        let baseline = finding.baseline, real - baseline > predictableGain
      else { return nil }
      // Worse than guessing is no gain, however much worse: one bad column must not hide the others.
      return max(0, (own - baseline) / (real - baseline))
    }
    guard !shares.isEmpty else { return }
    remarks.isEstablished = true
    let share = shares.reduce(0, +) / Double(shares.count)
    let words =
      "Models trained on the synthetic rows achieve \(Figures.percent(share)) of what models trained on real"
      + " rows gain over guessing, on average over \(shares.count)"
      + " predictable column\(shares.count == 1 ? "" : "s")."
    if share < usefulShare.poor {
      remarks.failures.append("Of little use: \(words)")
    } else if share < usefulShare.enough {
      remarks.warnings.append("Less useful than real rows: \(words)")
    } else {
      remarks.good.append(words)
    }
  }
}
