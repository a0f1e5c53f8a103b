import Control
import struct Datasets.ImageTransform
import struct Datasets.WatchOptions

/// A dataset as the administrator declares it.
struct DatasetConfiguration: Codable, Hashable, Sendable {
  /// What requests call it.
  let name: String
  /// The folder that is watched; read, never written.
  let root: String
  /// How changes are noticed.
  var mode: WatchOptions.Mode = .auto
  /// How long a file must stay as it is before it is looked at.
  var settle: Duration = .seconds(5)
  /// How often the root is looked through in any case.
  var rescan: Duration = .seconds(600)
  /// The classes in their order; nil takes the sub-folders that are there.
  ///
  /// Declared classes are public. Found ones are not: that a class is there at all may say
  /// something about a person.
  var classes: [String]?
  /// How many units of privacy there are, about; nil takes the number that is found.
  ///
  /// A declared number is public and decides the sampling probability. A found one is not: it tells
  /// whether one more person is there.
  var population: Int?
  /// The sample that is white, 1...65,535, where files do not use their full depth; nil where they do.
  ///
  /// A declared level is public. It is never measured: the brightest image would decide it.
  var whiteLevel: Int?
  /// What becomes of the colours of a file that carries an ICC profile.
  var colour: ImageTransform.Colour = .convert
  /// A folder of real images that are never trained on, for evaluations; read, never written.
  var holdOut: String?
  /// What may be spent on it.
  var policy: PrivacyPolicy
  /// Who may read what is released of it; the reader of the configuration fills in what holds for all.
  var release = ReleaseConfiguration()
}

extension DatasetConfiguration {
  /// A watched root is looked through this often where nothing tells of changes, or as often as
  /// `rescan` says if that is more often.
  static let pollInterval = Duration.seconds(60)
}

/// What may be spent on a dataset.
struct PrivacyPolicy: Codable, Hashable, Sendable {
  /// The most that all jobs together may spend.
  var epsilonMaximum: Double
  /// The delta at which it is counted.
  var delta: Double
  /// Who is protected.
  var unit: PrivacyUnit = .file
  /// The most files of one folder that are learned from, when a folder is protected.
  var maximumPerUnit: Int?
  /// Whether jobs without a guarantee are allowed.
  var allowsNonPrivate = false
  /// Whether a delta is allowed that is not below one divided by the number of units.
  var allowsLargeDelta = false
}
