/// The guarantee of a release, in words and as data: `privacy.json` and PRIVACY.md.
///
/// It contains only public values: plans, declared facts, costs. It contains no count of files, no
/// drawn batch, and no number computed from the images.
public struct PrivacyStatement: Codable, Hashable, Sendable {
  /// One kind of access to the data.
  public struct Access: Codable, Hashable, Sendable {
    /// The probability with which each unit is in the sample.
    public let samplingProbability: Double
    /// Standard deviation of the noise divided by the clip norm; nil for a choice.
    public let noiseMultiplier: Double?
    /// The kind of noise; nil for a choice.
    public let noise: NoiseDistribution?
    /// Epsilon of a choice with the exponential mechanism; nil for noise.
    public let choiceEpsilon: Double?
    /// How often.
    public let times: Int

    private enum CodingKeys: String, CodingKey {
      case samplingProbability = "sampling_probability"
      case noiseMultiplier = "noise_multiplier"
      case choiceEpsilon = "choice_epsilon"
      case noise, times
    }

    init(_ event: ElementaryEvent, times: Int) {
      switch event {
      case .noise(let sum):
        samplingProbability = sum.samplingProbability
        noiseMultiplier = sum.noiseMultiplier
        noise = sum.noise
        choiceEpsilon = nil
      case .choice(let epsilon):
        samplingProbability = 1
        noiseMultiplier = nil
        noise = nil
        choiceEpsilon = epsilon
      }
      self.times = times
    }

    /// The accesses in words.
    fileprivate var words: String {
      if let choiceEpsilon {
        return times == 1
          ? "one choice with the exponential mechanism of epsilon \(Decimals.epsilon(choiceEpsilon))"
          : "\(times) choices with the exponential mechanism, each of epsilon \(Decimals.epsilon(choiceEpsilon))"
      }
      // Every unit is in the sum: a step on all units, or an answer that was paid for.
      let sum =
        samplingProbability == 1
        ? "the most that a unit adds, on a sum over all units"
        : "the clip norm on a sum over a Poisson sample of probability \(Decimals.short(samplingProbability))"
      let kind = (noise ?? .gaussian).words
      let releases =
        times == 1 ? "one \(kind) release with" : "\(times) \(kind) releases, each with"
      return "\(releases) noise of \(Decimals.short(noiseMultiplier ?? 0)) times \(sum)"
    }
  }

  /// One phase of the run that the release comes from.
  public struct Phase: Codable, Hashable, Sendable {
    /// Its name, under which the ledger keeps its charges.
    public let name: String
    /// What it does.
    public let purpose: String
    /// Everything that it does to the data, in words; nil if it does not read them.
    public let accesses: String?
    /// The epsilon of the phase alone; nil if it reads no private data.
    public let epsilon: Double?
    /// Why it costs nothing; nil if it reads private data.
    public let free: String?

    /// Describes a phase.
    public init(
      name: String, purpose: String, event: PrivacyEvent?, epsilon: Double?, free: String?
    ) {
      self.name = name
      self.purpose = purpose
      accesses = event?.description
      self.epsilon = epsilon
      self.free = free
    }

    /// Its accesses to the data and their cost, in words.
    public var cost: String {
      guard let accesses else { return "costs nothing: \(free ?? "reads no private data")" }
      return accesses + (epsilon.map { "; alone epsilon \(Decimals.epsilon($0))" } ?? "")
    }
  }

  /// A place in the ledger: its newest durable line.
  public struct LedgerPosition: Codable, Hashable, Sendable {
    /// The index of the line.
    public let line: Int
    /// The hash of the line.
    public let hash: String

    /// Names a line.
    public init(line: Int, hash: String) {
      self.line = line
      self.hash = hash
    }
  }

  /// The position of the ledger that a release records, so that a restored old ledger can be
  /// distinguished from the newest one.
  ///
  /// The hash covers every line so far, including secret random names, so no outsider can compute
  /// it from a guess of the lines.
  public struct LedgerWitness: Codable, Hashable, Sendable {
    /// The hash of the newest line at the time of the release.
    public let hash: String
    /// The index of that line; only releases of earlier versions have it.
    ///
    /// How many lines there were depended on the clock.
    public let line: Int?

    /// Names a line by its hash.
    public init(hash: String, line: Int? = nil) {
      self.hash = hash
      self.line = line
    }
  }

  /// The subject of a statement.
  public struct Subject: Hashable, Sendable {
    /// The root of the data.
    public var root: LedgerRoot
    /// The run that the release comes from.
    public var run: String
    /// All runs that have touched the root.
    public var runs: [String]
    /// The phases of the run.
    public var phases: [Phase]
    /// The mechanism of the run's training; nil when it used several.
    public var mechanism: SubsampledGaussian?
    /// The position of the ledger.
    public var witness: LedgerWitness?
    /// The version of the software.
    public var software: String
    /// The number of units in the run's plan, for the comparison with delta; nil makes no
    /// comparison.
    public var population: Int?
    /// Facts about the data that the administrator declared public, such as class names.
    public var declared: [String]
    /// Facts that were not declared: they were read from the data, and the statement treats them as public.
    public var found: [String]
    /// Answers about the data that were paid for beside training.
    public var answers: [String]

    /// Describes a subject.
    public init(
      root: LedgerRoot, run: String, runs: [String], phases: [Phase] = [],
      mechanism: SubsampledGaussian?,
      witness: LedgerWitness?, software: String, population: Int? = nil, declared: [String],
      found: [String] = [], answers: [String] = []
    ) {
      self.root = root
      self.run = run
      self.runs = runs
      self.phases = phases
      self.mechanism = mechanism
      self.witness = witness
      self.software = software
      self.population = population
      self.declared = declared
      self.found = found
      self.answers = answers
    }
  }

  /// The version of this form.
  public let format: Int
  /// The guarantee in one sentence.
  public let sentence: String
  /// The meaning of epsilon and delta; nil in statements that are older than this field.
  public let meaning: String?
  /// The dataset's name.
  public let dataset: String
  /// The meaning of one record.
  public let unit: PrivacyUnit
  /// Which data sets are neighbours.
  public let adjacency: NeighboringRelation
  /// How batches are drawn.
  public let sampling: String
  /// The mechanism of the run's training; nil when it used several.
  public let mechanism: SubsampledGaussian?
  /// The cost of everything that has ever read the root, this run included: the claim.
  public let total: PrivacyCost
  /// The run that the release comes from.
  public let run: String
  /// The cost of that run alone, given everything before it, for all that it announced, even if it did less.
  public let runCost: PrivacyCost
  /// All runs that have touched the root.
  public let runs: [String]
  /// The phases of that run, in order; nil in statements that are older than this field.
  public let phases: [Phase]?
  /// All accesses to the root that the claim counts: those announced before the first one for a
  /// planned history, those charged for an adaptive one.
  public let accesses: [Access]
  /// What the guarantee covers.
  public let covered: [String]
  /// What it does not cover.
  public let notCovered: [String]
  /// The position of the ledger.
  public let ledger: LedgerWitness?
  /// The version of the software.
  public let software: String

  private enum CodingKeys: String, CodingKey {
    case format, sentence, meaning, dataset, unit, adjacency, sampling, mechanism, total, run
    case runCost = "run_cost"
    case runs, phases, accesses, covered
    case notCovered = "not_covered"
    case ledger, software
  }

  /// States the guarantee for everything in `history`, at `delta`.
  ///
  /// Throws `PrivacyError.unboundedLoss`, in `LedgerError.invalid`, when there is no guarantee to
  /// state.
  public init(
    of subject: Subject, history: LedgerHistory, delta: Double
  ) throws(LedgerError) {
    total = try history.cost(atDelta: delta)
    runCost = try history.cost(of: subject.run, atDelta: delta)
    guard total.epsilon < .infinity, runCost.epsilon < .infinity else {
      throw .invalid(.unboundedLoss(delta: delta))
    }
    format = 1
    dataset = subject.root.dataset
    unit = subject.root.unit
    adjacency = subject.root.adjacency
    mechanism = subject.mechanism
    run = subject.run
    runs = subject.runs
    phases = subject.phases
    accesses = try history.claimed.sorted.map { Access($0.event, times: $0.times) }
    sampling = Self.sampling(accesses)
    covered = Self.covered(run: subject.run) + subject.answers
    notCovered = Self.notCovered(subject)
    ledger = subject.witness
    software = subject.software
    sentence = Self.sentence(total, subject: subject, accesses: accesses)
    meaning = Self.meaning(total, ofRun: runCost, of: subject)
  }

  private static func sentence(
    _ cost: PrivacyCost, subject: Subject, accesses: [Access]
  ) -> String {
    let epsilon = Decimals.epsilon(cost.epsilon)
    let runs =
      subject.runs.count == 1
      ? "the one run" : "all \(subject.runs.count) runs together"
    return "Everything computed from dataset '\(subject.root.dataset)' so far (\(runs)) is "
      + "(\(epsilon), \(Decimals.number(cost.delta)))-differentially private with respect to "
      + "\(subject.root.adjacency.words(for: subject.root.unit)). Whatever an observer concludes from it, the "
      + "probability of that conclusion is at most e^\(epsilon) times what it would be had one such unit been added "
      + "or removed, plus \(Decimals.number(cost.delta)). "
      + (cost.basis == .adaptive
        ? "Some of it was chosen after results of earlier accesses existed. So the claim adds up the Rényi "
          + "divergences of all accesses so far, at orders that were fixed before the data was touched. "
        : "All of it was announced before the data was touched. The claim is the smaller of two upper "
          + "bounds, here \(cost.accountant), and counts every announced access, made or not. ")
      + "Accesses: " + accesses.map(\.words).joined(separator: "; ") + "."
  }

  private static func meaning(
    _ cost: PrivacyCost, ofRun runCost: PrivacyCost, of subject: Subject
  ) -> String {
    let epsilon = Decimals.epsilon(cost.epsilon)
    var sentences = ["Epsilon \(epsilon): \(GuaranteeStrength(epsilon: cost.epsilon).words)."]
    if subject.runs.count > 1 {
      sentences.append(
        "This epsilon counts all runs on the data, so it is the one to quote. Run '\(subject.run)' by itself has epsilon "
          + "\(Decimals.epsilon(runCost.epsilon)), which would hold if nothing else had been computed from the data."
      )
    }
    if let remark = subject.population.flatMap({ DeltaSize(cost.delta, units: $0).remark }) {
      sentences.append(remark)
    }
    return sentences.joined(separator: " ")
  }

  /// How units come into the sums that noise protects.
  private static func sampling(_ accesses: [Access]) -> String {
    let poisson = "Poisson: every unit enters every batch independently with a fixed probability"
    let ofAll = accesses.count { $0.samplingProbability == 1 }
    if ofAll == 0 { return poisson }
    return ofAll == accesses.count
      ? "none: every access reads all units" : poisson + "; the other accesses read all units"
  }

  private static func covered(run: String) -> [String] {
    [
      "all weights of run '\(run)', at every step, not only the last",
      "every image, preview and table generated from those weights, however many",
      "whatever anyone computes later from these alone (post-processing)",
      "every other run on the same data that the ledger names, all composed",
      "failed, cancelled and interrupted runs: their reserved steps are counted",
      "the decision to stop a run, as far as it was based on what this statement covers",
    ]
  }

  private static func noun(of subject: Subject) -> String {
    switch subject.root.unit {
    case .file, .subfolder: "image"
    case .row, .person: "row"
    }
  }

  private static func notCovered(_ subject: Subject) -> [String] {
    var list = [
      "operator diagnostics in internal/ and the daemon's own state directory",
      "settings chosen by looking at these \(Self.noun(of: subject))s outside this software",
      "other folders that hold the same \(Self.noun(of: subject))s, and runs with another state directory: each folder in "
        + "each state directory has a ledger of its own",
      "runs without privacy on the same data, whose results must not be shared",
      "the fact that the data set exists, and when and how often it was trained on",
      "whether there was any usable \(Self.noun(of: subject)) at all, and whether the rows of tables could be told from the "
        + "text in them: otherwise there is no release",
      "what can be inferred about a person from the population at large",
    ]
    switch subject.root.unit {
    case .file:
      list.append("a person with several files: each file is protected, not all of them together")
    case .subfolder:
      list.append("a person whose images lie in several sub-folders")
    case .row:
      list.append("a person with several rows: each row is protected, not all of them together")
    case .person:
      list.append(
        "a person who appears under several names or spellings, such as 7 and 7.0: each is protected by itself"
      )
    }
    if !subject.declared.isEmpty {
      list.append(
        "what the administrator declared public: \(subject.declared.joined(separator: ", "))")
    }
    if !subject.found.isEmpty {
      list.append(
        "\(subject.found.joined(separator: " and ")): read from the dataset's folder and treated "
          + "as public; if they are not, declare the classes and the population (in the "
          + "configuration, or with --classes and --population), or rename the folders")
    }
    return list
  }
}

extension PrivacyStatement {
  /// The statement as a Markdown page.
  public var markdown: String {
    let total = Decimals.epsilon(self.total.epsilon)
    let ofRun = Decimals.epsilon(runCost.epsilon)
    let renyi = Decimals.epsilon(self.total.renyi.epsilon)
    let privacyLoss =
      self.total.privacyLossEpsilon < .infinity
      ? Decimals.epsilon(self.total.privacyLossEpsilon)
      : self.total.basis == .adaptive
        ? "does not apply: some of it was chosen after earlier results"
        : "does not apply to this kind of noise"
    var lines = [
      "# Privacy statement", "", sentence, "",
    ]
    if let meaning { lines += [meaning, ""] }
    lines += [
      "| | |", "|---|---|",
      "| Epsilon, everything on this data | \(total) |",
      "| Epsilon, run '\(run)' alone | \(ofRun) |",
      "| Delta | \(Decimals.number(self.total.delta)) |",
      "| Unit of privacy | \(unit.words) |",
      "| Neighbouring data sets | \(adjacency.words(for: unit)) |",
      "| Sampling | \(sampling) |",
      "| Bound by Rényi divergence (RDP) | \(renyi) at order \(self.total.renyi.order) |",
      "| Bound by privacy loss distribution (PLD) | \(privacyLoss) |",
      "| Claimed | \(self.total.accountantInWords) |",
      "| Runs | \(runs.joined(separator: ", ")) |",
      "| Software | \(software) |",
    ]
    if let mechanism {
      lines.append("| Clip norm | \(mechanism.clipNorm) |")
      lines.append("| Divisor (constant) | \(mechanism.nominalBatchSize) |")
    }
    if let ledger {
      // Later runs add lines, so `figment ledger verify` names another one as the newest.
      lines.append("| Newest ledger record when this was written | \(ledger.hash) |")
    }
    if let phases, !phases.isEmpty {
      lines += ["", "## Phases of run '\(run)'", ""]
      lines += phases.map { "- \($0.name) (\($0.purpose)): \($0.cost)" }
    }
    lines += ["", "## Covered", ""] + covered.map { "- \($0)" }
    lines += ["", "## Not covered", ""] + notCovered.map { "- \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}
