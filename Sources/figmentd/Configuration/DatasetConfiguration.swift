import Control
import struct Datasets.ColumnDomain
import struct Datasets.ImageTransform
import struct Datasets.WatchOptions

/// A dataset as declared in the configuration.
struct DatasetConfiguration: Codable, Hashable, Sendable {
  /// Its name in requests.
  let name: String
  /// The watched folder; read, never written.
  let root: String
  /// How changes are detected.
  var mode: WatchOptions.Mode = .auto
  /// How long a file must remain unchanged before it is read.
  var settle: Duration = .seconds(5)
  /// The interval of full scans.
  var rescan: Duration = .seconds(600)
  /// The classes in order; nil uses the existing sub-folders.
  ///
  /// Declared classes are public. Discovered ones are not: the existence of a class may reveal
  /// something about a person.
  var classes: [String]?
  /// The approximate number of units of privacy; nil counts them.
  ///
  /// A declared number is public and determines the sampling probability. A counted one is private: it
  /// reveals whether one more person is present.
  var population: Int?
  /// The sample value of white, 1...65,535, if files do not use their full depth; nil if they do.
  ///
  /// A declared level is public. It is never measured, because the brightest image would determine it.
  var whiteLevel: Int?
  /// How to treat the colours of a file with an ICC profile.
  var colour: ImageTransform.Colour = .convert
  /// The columns of the table beside the images, with their public domains; others are not read; nil for none.
  var columns: [ColumnDomain]?
  /// Whether runs may learn columns of a table.
  var declaresColumns: Bool { columns?.isEmpty == false }
  /// The column that names the person of a row, in tables without images; nil where a row is the unit.
  var personColumn: String?
  /// A folder of real images for evaluation only, never for training; read, never written.
  var holdOut: String?
  /// A folder of images that are declared public: recipes may learn from them without noise; read, never written.
  var publicImages: String?
  /// A release whose model recipes may start from; read, never written.
  var startFrom: String?
  /// Its privacy policy.
  var policy: PrivacyPolicy
  /// Who may read its releases; the reader of the configuration fills in the common settings.
  var release = ReleaseConfiguration()
}

extension DatasetConfiguration {
  /// The interval of scans where the file system does not report changes, unless `rescan` is shorter.
  static let pollInterval = Duration.seconds(60)
}

/// The privacy policy of a dataset.
struct PrivacyPolicy: Codable, Hashable, Sendable {
  /// The most that all jobs together may spend.
  var epsilonMaximum: Double
  /// The delta of that epsilon.
  var delta: Double
  /// The unit of privacy.
  var unit: PrivacyUnit = .file
  /// The maximum number of files to use of one folder, if the unit is a folder.
  var maximumPerUnit: Int?
  /// Whether jobs without a privacy guarantee are allowed.
  var allowsNonPrivate = false
  /// Whether delta may be one divided by the number of units, or larger.
  var allowsLargeDelta = false
}
