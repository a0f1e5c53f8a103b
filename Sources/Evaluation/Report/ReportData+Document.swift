import Privacy

/// Builds a report for either zone. The order of sections is the same; the type of a zone excludes content
/// that it must not show.
extension ReportData {
  /// The document for one zone.
  public func document<Zone: ReportZone>(for zone: Zone.Type) -> ReportDocument<Zone> {
    let rule = VerdictRule(self)
    var document = ReportDocument<Zone>(
      title: title, subtitle: subtitle, about: subject, verdict: rule.internalVerdict,
      releasedVerdict: rule.releasedVerdict)
    addGuarantee(to: &document)
    addPaidAnswers(to: &document)
    if !isTableAlone { addPictures(to: &document) }
    addOwnStatistics(to: &document)
    addTables(to: &document)
    addTraining(to: &document)
    addTableComparison(to: &document)
    if !isTableAlone {
      addFidelity(to: &document)
      addUtility(to: &document)
      addAttacks(to: &document)
      addAlternatives(to: &document)
    }
    addWithheld(to: &document)
    addProvenance(to: &document)
    return document
  }

  private func addGuarantee<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin("guarantee", "The guarantee")
    guard let guarantee else {
      document.add(
        fixed: .notice(
          .warning,
          "No differential privacy guarantee is known for this set. No measurement below can replace"
            + " one."))
      return
    }
    for paragraph in guarantee.statement { document.add(fixed: .text(paragraph)) }
    let rows =
      [
        ["ε (epsilon)", Decimals.epsilon(guarantee.epsilon)],
        ["δ (delta)", Decimals.number(guarantee.delta)],
        ["What epsilon means", guarantee.strength.words],
        ["Unit of privacy", guarantee.unit],
      ] + guarantee.facts.map { [$0.name, $0.value] }
    document.add(
      fixed: .table(
        ReportTable(
          caption: guarantee.isProved
            ? "The guarantee in numbers: it follows from the training method, not from measurements"
            : "The guarantee that the release states; this report did not check it",
          columns: ["", ""], rows: rows)))
    guard !guarantee.phases.isEmpty else { return }
    document.add(
      fixed: .table(
        ReportTable(
          caption: "The phases of the run, each with what it costs alone",
          columns: ["Phase", "What it does", "Cost"],
          rows: guarantee.phases.map { [$0.name, $0.purpose, $0.cost] })))
  }

  private func addPaidAnswers<Zone>(to document: inout ReportDocument<Zone>) {
    guard !paidAnswers.value.isEmpty else { return }
    document.begin(
      "answers", "What is known of the real \(subject.rawValue)",
      "Answers with noise, paid for out of the run's epsilon.")
    document.add(paidAnswers.map { .group($0.map(ReportBlock.table)) })
  }

  private func addPictures<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin(
      "pictures", "Synthetic images",
      "Drawn at random from the synthetic set, never selected by hand. A model can reproduce training"
        + " images; the guarantee bounds how much it can reveal about a single one.")
    document.add(synthetic.map { ReportBlock.group(Self.classSheets(of: $0)) })
    if !progressSheets.value.isEmpty {
      document.add(fixed: .heading("Over time"))
      document.add(
        fixed: .text("Images drawn from the same random numbers at several steps of the training."))
      document.add(
        progressSheets.map { sheets in .group(sheets.map { .sheet(Self.strip(of: $0)) }) })
    }
  }

  /// Two rows of images with equal numbers from every class.
  private static func strip(of moment: ProgressSheet) -> ImageSheet {
    let images = moment.images
    let classes = images.classNames.indices.map { images.places(ofClass: $0) }
      .filter { !$0.isEmpty }
    let width = Self.columns
    let columns =
      classes.count >= width ? width : width / max(1, classes.count) * max(1, classes.count)
    let turns = (0..<(classes.map(\.count).max() ?? 0)).flatMap { turn in
      classes.compactMap { turn < $0.count ? $0[turn] : nil }
    }
    return ImageSheet(
      images.images(at: turns.prefix(2 * columns)), columns: columns,
      caption: "Step \(Figures.count(moment.step))",
      alternative: "synthetic images at step \(moment.step) of the training")
  }

  private static let imagesPerClass = 20
  private static let columns = 10
  private static let shownClasses = 20

  /// One sheet with a row for each class, or a square one without classes.
  private static func classSheets(of images: LabelledImages) -> [ReportBlock] {
    guard images.classNames.count > 1 else {
      let sheet = ImageSheet(
        images.sample(100, seed: 1), columns: columns, caption: "100 images at random",
        alternative: "100 synthetic images in ten rows")
      return [.sheet(sheet)]
    }
    return images.classNames.indices.prefix(shownClasses).map { label in
      let places = images.places(ofClass: label)
      let name = images.classNames[label]
      guard !places.isEmpty else {
        return .notice(.warning, "Class \(name) has no synthetic image.")
      }
      return .sheet(
        ImageSheet(
          images.images(at: places).sample(imagesPerClass, seed: 1), columns: columns,
          caption: "Class \(name): \(min(imagesPerClass, places.count)) of "
            + "\(Figures.count(places.count))",
          alternative: "synthetic images of class \(name)"))
    }
  }

  private func addOwnStatistics<Zone>(to document: inout ReportDocument<Zone>) {
    guard let ownFindings else { return }
    let names = synthetic.value.classNames
    document.begin(
      "set", "The set by itself",
      "Measurements of the synthetic images alone; they need no real image.")
    document.add(
      ownFindings.map { own in
        let total = Double(max(1, own.count))
        return .group([
          .metrics(
            [
              Metric(
                key: "set.duplicates", name: "Repeated images",
                meaning: "share of images that equal another one to the last bit",
                value: own.duplicateShare, range: "0 to 1", direction: .lower,
                interval: .proportion(own.duplicateCount, of: own.count), count: own.count),
              Metric(
                key: "set.blank", name: "Blank images",
                meaning: "share of images that show nothing but one colour",
                value: own.blankShare, range: "0 to 1", direction: .lower,
                interval: .proportion(own.blankCount, of: own.count), count: own.count),
              Metric(
                key: "set.missing-classes", name: "Missing classes",
                meaning: "classes without a synthetic image",
                value: Double(own.missingClasses.count),
                range: "0 to \(names.count)", direction: .lower, count: own.count),
            ] + Self.varietyMetrics(own)),
          .table(
            ReportTable(
              caption: "Synthetic images of each class", columns: ["Class", "Images", "Share"],
              rows: names.enumerated().map { label, name in
                [
                  name, Figures.count(own.classCounts[label]),
                  Figures.percent(Double(own.classCounts[label]) / total),
                ]
              })),
        ])
      })
  }

  private static func varietyMetrics(_ own: SyntheticFindings) -> [Metric] {
    guard let least = own.classVariety.compactMap({ $0 }).min() else { return [] }
    return [
      Metric(
        key: "set.variety", name: "Variety of the most uniform class",
        meaning: "median distance of an image to the nearest other image of its class, relative to"
          + " that of any two images; below \(Figures.text(ClassVariety.collapse)) the class has collapsed",
        value: least, range: "0 to about 1", direction: .higher, count: own.count,
        baselines: [
          NamedValue("CIFAR-10", 0.51), NamedValue("MNIST", 0.27),
          NamedValue("20 images, slight noise", 0.15),
        ])
    ]
  }

  private func addTraining<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin(
      "training", "Was it trained enough?",
      "Curves during training. A signal counts as still improving if the line through its last third rises"
        + " significantly and by more than a fiftieth of its range. If its points have standard errors, it"
        + " counts as still improving if the last point is better than the one at three quarters by more"
        + " than twice their joint error.")
    if let trainingEnd {
      document.add(
        trainingEnd.map { end in
          let paragraphs = end.paragraphs(evaluation: evaluation, of: subject)
          return paragraphs.isEmpty
            ? .text("No free evidence shows whether more steps would have helped.")
            : .group([.heading("At the end")] + paragraphs.map { .text($0) })
        })
    }
    if freeSignals.value.isEmpty {
      document.add(fixed: .text("No signals of the training were provided."))
    } else {
      document.add(freeSignals.map { .group($0.flatMap(blocks(for:))) })
    }
    document.add(
      privateSignals.map { signals in
        signals.isEmpty
          ? .text("No signals measured with real \(subject.rawValue) were provided.")
          : .group(signals.flatMap(blocks(for:)))
      }, named: "Training curves measured with real \(subject.rawValue)",
      because:
        "Losses and distances computed from real \(subject.rawValue) would leak what training"
        + " protected.")
  }

  private func blocks(for signal: TrainingSignal) -> [ReportBlock] {
    let trend = TrainingTrend(signal)
    let words =
      switch trend.course {
      case _ where signal.direction == .target:
        ("shows the course of training, not the quality of the \(subject.rawValue).", false)
      case .improving: ("was still improving at the end: more steps may help.", true)
      case .worsening: ("was getting worse at the end: an earlier step may have been better.", true)
      case .flat: ("had settled at the end.", false)
      case .unknown: ("has too few points for a conclusion.", false)
      }
    return [
      .chart(
        Chart(
          caption: signal.name, horizontal: "step", vertical: "value",
          series: [Chart.Series(name: signal.name, x: signal.steps, y: signal.values)])),
      .notice(words.1 ? .warning : .note, "“\(signal.name)” \(words.0)"),
    ]
  }

  private func addWithheld<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin("withheld", "Withheld parts")
    guard !document.withheld.isEmpty else {
      document.add(
        fixed: .text(
          "None: this is the internal version. The release version withholds everything that was"
            + " computed from private \(subject.rawValue) without noise."))
      return
    }
    let rows = document.withheld.map { [$0.name, $0.reason] }
    document.add(
      fixed: .table(
        ReportTable(
          caption: "Parts of the internal version only", columns: ["Part", "Reason"],
          rows: rows)))
  }

  private func addProvenance<Zone>(to document: inout ReportDocument<Zone>) {
    document.begin("repeat", "How to reproduce it")
    if provenance.commandNamesFolders {
      document.add(
        Sensitive(.code(provenance.command)), named: "The exact command",
        because: "It names folders on the machine with the private \(subject.rawValue).")
    } else {
      document.add(fixed: .code(provenance.command))
    }
    document.add(
      fixed: .table(
        ReportTable(
          caption: "Parameters of the figures", columns: ["", ""],
          rows: provenance.facts.map { [$0.name, $0.value] })))
  }
}
