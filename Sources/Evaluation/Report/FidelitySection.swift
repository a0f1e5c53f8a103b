import Privacy

/// The section on the similarity of the synthetic images to the real ones.
extension ReportData {
  func addFidelity<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin(
      "fidelity", "How similar to the real images?",
      "Synthetic images compared with real test images, in feature spaces that need no download. Each"
        + " number comes with the values of real training images against the same test images, which is"
        + " the best result to expect, and of degraded real images.")
    guard let findings else {
      document.add(fixed: .text("No evaluation was run."))
      return
    }
    document.add(
      findings.real.map { real in
        .group(real.fidelity.flatMap { Self.blocks(for: $0, findings.classNames) })
      }, named: "Distances to real images",
      because: "They are computed from private images without noise.")
    document.add(
      findings.real.map { [own = findings.synthetic.value] real in
        .group(Self.pixelBlocks(own, real, findings.classNames))
      }, named: "Pixel statistics, spectra and class balance against real images",
      because: "Means and counts of private images are private.")
  }

  private static func blocks(for finding: FidelityFinding, _ classNames: [String]) -> [ReportBlock]
  {
    var blocks: [ReportBlock] = [
      .heading("Feature space \(finding.identifier)"), .text("Features: \(finding.explanation)."),
      .metrics(metrics(of: finding)),
    ]
    if !finding.classes.isEmpty {
      blocks.append(
        .table(
          ReportTable(
            caption: "Fréchet distance class by class, in \(finding.identifier)",
            columns: ["Class", "Synthetic", "Best possible", "Images"],
            rows: finding.classes.map { row in
              [
                classNames[row.label], Figures.text(row.synthetic), Figures.text(row.real),
                Figures.count(row.count),
              ]
            })))
    }
    return blocks
  }

  private static func metrics(of finding: FidelityFinding) -> [Metric] {
    func metric(
      _ key: String, _ name: String, _ meaning: String, range: String,
      _ direction: Metric.Direction, interval: Interval? = nil,
      _ value: (FeatureComparison) -> Double
    ) -> Metric {
      Metric(
        key: "\(key).\(finding.identifier)", name: name, meaning: meaning,
        value: value(finding.synthetic), range: range, direction: direction, interval: interval,
        count: finding.count, ceiling: NamedValue("real", value(finding.real)),
        baselines: finding.spoilt.map { NamedValue($0.name, value($0.comparison)) })
    }
    let kernel = finding.synthetic
    return [
      metric(
        "frechet", "Fréchet distance",
        "difference of means and covariances; only comparisons within a row mean anything",
        range: "0 to ∞", .lower
      ) { $0.frechet },
      metric(
        "kernel", "Kernel distance (KID)",
        "difference of all moments up to the third; only comparisons within a row mean anything",
        range: "about 0 to ∞", .lower,
        interval: kernel.kernelError.isNaN
          ? nil
          : .normal(
            kernel.kernel, standardError: kernel.kernelError, method: "standard error of blocks")
      ) { $0.kernel },
      metric(
        "precision", "Precision", "share of synthetic images that resemble a real image, k = 3",
        range: "0 to 1", .higher
      ) { $0.precision },
      metric(
        "recall", "Recall", "share of real images that resemble a synthetic image, k = 3",
        range: "0 to 1",
        .higher
      ) { $0.recall },
      metric(
        "density", "Density", "like precision, robust to outliers, k = 5", range: "0 to about 1",
        .higher
      ) { $0.density },
      metric(
        "coverage", "Coverage",
        "share of real images with a synthetic image among their k = 5 nearest",
        range: "0 to 1", .higher
      ) { $0.coverage },
    ]
  }

  private static func pixelBlocks(
    _ own: SyntheticFindings, _ real: RealFindings, _ classNames: [String]
  ) -> [ReportBlock] {
    func metric(
      _ key: String, _ name: String, _ meaning: String, range: String,
      _ value: (PixelStatistics) -> Double, _ direction: Metric.Direction
    ) -> Metric {
      Metric(
        key: "pixels.\(key)", name: name, meaning: meaning, value: value(own.pixels), range: range,
        direction: direction, count: own.count,
        ceiling: NamedValue(
          direction == .target ? "real" : "real training images", value(real.trainPixels)))
    }
    let test = real.testPixels
    return [
      .heading("Pixels"),
      .metrics([
        metric(
          "mean", "Brightness", "mean of all pixels", range: "0 to 1", { $0.mean }, .target),
        metric(
          "deviation", "Contrast", "standard deviation of all pixels", range: "0 to 0.5",
          { $0.deviation }, .target),
        metric(
          "histogram", "Histogram distance", "brightness histograms, total variation",
          range: "0 to 1", { $0.histogramDistance(to: test) }, .lower),
        metric(
          "spectrum", "Spectrum distance", "radial power spectra, root mean square, decibels",
          range: "0 to ∞", { $0.spectrumDistance(to: test) }, .lower),
      ]),
      .chart(spectrumChart(own.pixels, test)),
      .heading("Class balance"),
      .table(balanceTable(own, real, classNames)),
    ]
  }

  private static func spectrumChart(_ own: PixelStatistics, _ test: PixelStatistics) -> Chart {
    let radii = (1...max(1, own.spectrum.count)).map(Double.init).prefix(own.spectrum.count)
    return Chart(
      caption:
        "Power at each spatial frequency: deviations show patterns that a generator adds or loses",
      horizontal: "waves per image side", vertical: "power",
      series: [
        Chart.Series(name: "synthetic", x: Array(radii), y: own.spectrum),
        Chart.Series(name: "real test images", x: Array(radii), y: test.spectrum),
      ], isLogarithmic: true)
  }

  private static func balanceTable(
    _ own: SyntheticFindings, _ real: RealFindings, _ classNames: [String]
  ) -> ReportTable {
    let predicted = real.labelAgreement?.predictedCounts
    func share(_ counts: [Int], _ label: Int) -> String {
      Figures.percent(Double(counts[label]) / Double(max(1, counts.reduce(0, +))))
    }
    return ReportTable(
      caption:
        "Share of each class; “recognised” counts the labels of a classifier trained on real images",
      columns: ["Class", "Synthetic", "Recognised", "Real"],
      rows: classNames.indices.map { label in
        [
          classNames[label], share(own.classCounts, label),
          predicted.map { share($0, label) } ?? "–",
          share(real.classCounts, label),
        ]
      })
  }
}
