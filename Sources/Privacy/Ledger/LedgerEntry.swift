/// One line of a ledger.
///
/// Stored forever: kinds are only added, meanings never change.
public enum LedgerEntry: Hashable, Sendable {
  /// Opens the ledger: which data, under which unit of privacy. Exactly once, first.
  case root(LedgerRoot)
  /// A run, or another attempt at one, announces everything it intends to do.
  case plan(LedgerPlan)
  /// Runs of an event are charged, before the first of them.
  case reserve(LedgerReserve)
  /// A reservation ends; runs that never began are returned.
  case settle(LedgerSettle)
  /// Something computed from the data is released.
  case release(LedgerRelease)
  /// An attempt ends; nothing more is charged to it.
  case close(LedgerClose)
}

/// The root that a ledger covers.
public struct LedgerRoot: Codable, Hashable, Sendable {
  /// The identity of the watched root, stable over renames of the dataset.
  public var identity: String
  /// The dataset's name when the ledger was opened.
  public var dataset: String
  /// The meaning of one record.
  public var unit: PrivacyUnit
  /// Which data sets are neighbours.
  public var adjacency: NeighboringRelation

  /// Describes a root.
  public init(
    identity: String, dataset: String, unit: PrivacyUnit, adjacency: NeighboringRelation
  ) {
    self.identity = identity
    self.dataset = dataset
    self.unit = unit
    self.adjacency = adjacency
  }
}

/// The intention of an attempt at a run, recorded before any private byte is read.
public struct LedgerPlan: Codable, Hashable, Sendable {
  /// The run's name.
  public var run: String
  /// 1 for the first attempt; a resumed run is a new attempt with fresh noise.
  public var attempt: Int
  /// The secret name of the frozen images, random and never released; in lines of earlier versions
  /// a hash of them.
  ///
  /// Without it, the hash of a later line does not allow testing images against it.
  public var snapshot: String
  /// SHA-256 of the resolved plan in the file beside the checkpoints, so that a changed plan is
  /// detected; nil in lines of earlier versions.
  public var design: String?
  /// Everything the attempt will do, at most.
  public var event: PrivacyEvent
  /// The phases of the planned run, for readers of the ledger; nil in lines of earlier versions.
  ///
  /// Accounting uses `event` alone.
  public var phases: [LedgerPhase]?
  /// The mechanism of training, so that an auditor finds clip norm and divisor; nil when there are several.
  public var mechanism: SubsampledGaussian?
  /// The delta of the run's statement.
  public var delta: Double
  /// The version of the software.
  public var software: String

  /// Describes an attempt.
  public init(
    run: String, attempt: Int, snapshot: String, design: String? = nil, event: PrivacyEvent,
    phases: [LedgerPhase]? = nil, mechanism: SubsampledGaussian?, delta: Double, software: String
  ) {
    self.run = run
    self.attempt = attempt
    self.snapshot = snapshot
    self.design = design
    self.event = event
    self.phases = phases
    self.mechanism = mechanism
    self.delta = delta
    self.software = software
  }
}

/// A phase of an announced run.
public struct LedgerPhase: Codable, Hashable, Sendable {
  /// The name, the purpose of the phase's charges.
  public var name: String
  /// Everything that the phase does to the data; nil if it does not read them.
  public var event: PrivacyEvent?
  /// Why it costs nothing; nil if it reads private data.
  public var free: String?

  /// Describes a phase.
  public init(name: String, event: PrivacyEvent?, free: String? = nil) {
    self.name = name
    self.event = event
    self.free = free
  }
}

/// A charge.
public struct LedgerReserve: Codable, Hashable, Sendable {
  /// Counts reservations from 0.
  public var number: Int
  /// The requesting run.
  public var run: String
  /// The requesting attempt.
  public var attempt: Int
  /// The event of one run.
  public var event: PrivacyEvent
  /// How many runs.
  public var times: Int
  /// The purpose, as a text for readers of the ledger.
  public var purpose: String

  /// Describes a charge.
  public init(
    number: Int, run: String, attempt: Int, event: PrivacyEvent, times: Int, purpose: String
  ) {
    self.number = number
    self.run = run
    self.attempt = attempt
    self.event = event
    self.times = times
    self.purpose = purpose
  }
}

/// The end of a reservation.
public struct LedgerSettle: Codable, Hashable, Sendable {
  /// The reservation.
  public var number: Int
  /// How many of its runs were begun, at most; those that were given up before any noise was drawn left nothing and do
  /// not count.
  public var used: Int

  /// Describes an end.
  public init(number: Int, used: Int) {
    self.number = number
    self.used = used
  }
}

/// A release, with the claim that went with it.
public struct LedgerRelease: Codable, Hashable, Sendable {
  /// The run it came from.
  public var run: String
  /// The hash of the release (of its manifest).
  public var artefact: String
  /// The claimed epsilon of everything on the root so far, rounded up.
  public var epsilon: Double
  /// The delta of the claim.
  public var delta: Double

  /// Describes a release.
  public init(run: String, artefact: String, epsilon: Double, delta: Double) {
    self.run = run
    self.artefact = artefact
    self.epsilon = epsilon
    self.delta = delta
  }
}

/// The end of an attempt.
public struct LedgerClose: Codable, Hashable, Sendable {
  /// The run.
  public var run: String
  /// The attempt.
  public var attempt: Int
  /// How it ended: finished, failed, cancelled.
  public var outcome: String

  /// Describes an end.
  public init(run: String, attempt: Int, outcome: String) {
    self.run = run
    self.attempt = attempt
    self.outcome = outcome
  }
}

extension LedgerRoot {
  private enum CodingKeys: String, CodingKey { case identity = "root", dataset, unit, adjacency }
}

extension LedgerReserve {
  private enum CodingKeys: String, CodingKey {
    case number = "reservation", run, attempt, event, times, purpose
  }
}

extension LedgerSettle {
  private enum CodingKeys: String, CodingKey { case number = "reservation", used }
}

extension LedgerEntry: Codable {
  private enum Kind: String, Codable { case root, plan, reserve, settle, release, close }

  private enum CodingKeys: String, CodingKey { case kind }

  private var kind: Kind {
    switch self {
    case .root: .root
    case .plan: .plan
    case .reserve: .reserve
    case .settle: .settle
    case .release: .release
    case .close: .close
    }
  }

  /// Decodes an object with a `kind` and the fields of that kind.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .root: .root(try LedgerRoot(from: decoder))
      case .plan: .plan(try LedgerPlan(from: decoder))
      case .reserve: .reserve(try LedgerReserve(from: decoder))
      case .settle: .settle(try LedgerSettle(from: decoder))
      case .release: .release(try LedgerRelease(from: decoder))
      case .close: .close(try LedgerClose(from: decoder))
      }
  }

  /// Encodes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    switch self {
    case .root(let root): try root.encode(to: encoder)
    case .plan(let plan): try plan.encode(to: encoder)
    case .reserve(let reserve): try reserve.encode(to: encoder)
    case .settle(let settle): try settle.encode(to: encoder)
    case .release(let release): try release.encode(to: encoder)
    case .close(let close): try close.encode(to: encoder)
    }
  }
}
