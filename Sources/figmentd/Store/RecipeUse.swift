import Control
import Datasets
import Runs

/// The number of a dataset's files that a run with an image transform would use.
struct FileUse: Codable, Hashable, Sendable {
  /// Units of privacy with an image.
  var units: Int
  /// Images.
  var images: Int
  /// Images that are too small for the transform.
  var tooSmall: Int
  /// Images that are used although they are much smaller than the transform's result.
  var enlarged = 0
  /// Classes with an image; nil if they were not counted.
  var classCount: Int?

  init(units: Int, images: Int? = nil, tooSmall: Int = 0, classCount: Int? = nil) {
    self.classCount = classCount
    self.units = units
    self.images = images ?? units
    self.tooSmall = tooSmall
  }
}

extension ImageIndex {
  /// Counts the files of a dataset that a run with `transform` would use.
  func use(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> FileUse {
    // Rows of tables are counted where the plan is made.
    guard transform != .noPixels else { return FileUse(units: 0) }
    let sizes = try usableSizes(of: dataset.name)
    guard !sizes.allSatisfy({ transform.accepts(height: $0.height, width: $0.width) }) else {
      var use = FileUse(
        units: try usableUnits(of: dataset.name, unit: dataset.policy.unit),
        images: try counts(of: dataset.name).usable,
        classCount: try counts(of: dataset.name).classes.count { $0.usable > 0 })
      use.enlarged = sizes.reduce(0) {
        $0 + (transform.enlargesMuch(height: $1.height, width: $1.width) ? $1.count : 0)
      }
      return use
    }
    let files = try inspected(dataset, under: transform)
    let used = files.filter { $0.verdict == .accepted }
    let units =
      dataset.policy.unit == .file ? used.count : Set(used.compactMap(\.path.person)).count
    var use = FileUse(
      units: units, images: used.count,
      tooSmall: files.count { $0.verdict == .tooSmall },
      classCount: Set(used.compactMap(\.className)).count)
    use.enlarged = used.count { file in
      guard let height = file.height, let width = file.width else { return false }
      return transform.enlargesMuch(height: height, width: width)
    }
    return use
  }

  /// The files of a dataset in the order of their paths, each with its verdict in a run with `transform`.
  func rows(of dataset: DatasetConfiguration, under transform: ImageTransform) throws -> [FileRow] {
    let known = try files(of: dataset.name)
    let changed = try inspected(dataset, under: transform).reduce(into: [:]) { rows, file in
      rows[file.path.description] = IndexedFile(file).row
    }
    return known.values.map { changed[$0.row.path] ?? $0.row }.sorted { $0.path < $1.path }
  }

  /// Some usable files of each class, evenly spaced in the order of their paths.
  func selection(of dataset: String) throws -> PreviewSelection {
    let counts = try counts(of: dataset).classes.filter { $0.usable > 0 }
    let shown = counts.prefix(PreviewSelection.mostClasses)
    let wanted =
      SampleSheet.perClass * PreviewSelection.rowsPerClass(ofClasses: shown.count)
    return PreviewSelection(
      classes: try shown.map { counted in
        let number = min(wanted, counted.usable)
        let places = (0..<number).map { $0 * counted.usable / number }
        return PreviewSelection.Class(
          name: counted.name,
          paths: try usablePaths(of: dataset, inClass: counted.name, at: places))
      }, classCount: counts.count)
  }

  /// Decoded files with their verdict under `transform`; other files keep the verdict of the index.
  private func inspected(
    _ dataset: DatasetConfiguration, under transform: ImageTransform
  ) throws -> [InspectedFile] {
    let known = InspectedFile.restored(from: try files(of: dataset.name).values)
    return Array(known.values).verdicts(under: transform, rules: dataset.rules)
  }
}
