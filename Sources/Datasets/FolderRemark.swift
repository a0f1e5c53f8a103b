/// Remarks for the owner of a folder, before a budget is spent on it.
///
/// Private: computed from the images, for the owner of the folder only.
public enum FolderRemark: Hashable, Sendable {
  /// First-level folders whose names suggest splits of a download rather than classes.
  case looksLikeSplits([String])
  /// No image has a pixel brighter than this value of 255.
  case nearlyBlack(brightest: Int)
  /// Classes without an image.
  case classesWithoutImage([String], areDeclared: Bool)
  /// Class folders whose names are equal after normalisation but differ in their bytes; they count as one.
  case sameNameTwice([String])
  /// A large share of the files is rejected for one reason.
  case manyRejected(what: String, count: Int, total: Int)
  /// Tables with declared columns, and no image beside them.
  case tablesAlone(count: Int)
  /// No run could read the tables beside images, or the tables alone: one of them is at fault, or all together.
  case tablesUnusable(finding: String, isOfOneTable: Bool)

  /// The remarks on a folder.
  ///
  /// - Parameters:
  ///   - files: the result of a snapshot or an inspection.
  ///   - rules: the declarations about the folder.
  ///   - form: the transform with which the files were read; its white level may differ from that of the
  ///     rules, as in an inspection.
  public static func remarks(
    on files: [InspectedFile], rules: DatasetRules, lookedAtWith form: ImageTransform
  ) -> [FolderRemark] {
    var remarks: [FolderRemark] = []
    if rules.classes == nil {
      let splits = splits(in: files)
      if !splits.isEmpty { remarks.append(.looksLikeSplits(splits)) }
    }
    let twins = twins(in: files)
    if !twins.isEmpty { remarks.append(.sameNameTwice(twins)) }
    let summary = ImageSetSummary(of: files, classes: rules.classes)
    if !summary.classesWithoutImage.isEmpty {
      remarks.append(
        .classesWithoutImage(summary.classesWithoutImage, areDeclared: rules.classes != nil))
    }
    for share in summary.rejected where share.count >= 10 || 10 * share.count >= summary.total {
      remarks.append(
        .manyRejected(what: share.what, count: share.count, total: summary.total))
    }
    if let brightest = brightest(in: files, rules, form), brightest < darkest {
      remarks.append(.nearlyBlack(brightest: brightest))
    }
    return remarks
  }

  /// An eighth of full scale; 12 bits stored in 16 reach half of this.
  private static let darkest = 32

  // MARK: Splits

  private static let splitNames: Set<String> = [
    "train", "training", "val", "valid", "validation", "dev", "test", "testing", "holdout",
    "hold-out", "hold_out", "eval", "mask", "masks", "label", "labels", "annotation",
    "annotations", "segmentation", "segmentations", "groundtruth", "ground_truth", "image",
    "images", "imgs", "jpegimages",
  ]
  /// Names that are also classes in some sets: railways, people with and without a mask.
  private static let ambiguousNames: Set<String> = ["train", "mask", "label", "dev", "image"]

  /// The first-level folders with an image and such a name; an ambiguous name counts as a class if folders
  /// with other names exist.
  private static func splits(in files: [InspectedFile]) -> [String] {
    let folders = Set(
      files.filter { $0.verdict == .accepted }
        .compactMap { $0.path.classFolder.map { RelativePath.escape($0) } })
    let splits = folders.filter { splitNames.contains($0.lowercased()) }.sorted()
    guard splits.count == 1, folders.count > 1 else { return splits }
    return ambiguousNames.contains(splits[0].lowercased()) ? [] : splits
  }

  // MARK: Names

  private static func twins(in files: [InspectedFile]) -> [String] {
    var spellings: [[UInt8]: Set<[UInt8]>] = [:]
    for folder in Set(files.filter { $0.className != nil }.compactMap(\.path.classFolder)) {
      spellings[CanonicalName.bytes(folder), default: []].insert(folder)
    }
    return spellings.filter { $0.value.count > 1 }.map { RelativePath.escape($0.key) }.sorted()
  }

  // MARK: Brightness

  /// The brightest pixel of all files, 0...255 at the declared white level; nil if one is unknown.
  private static func brightest(
    in files: [InspectedFile], _ rules: DatasetRules, _ form: ImageTransform
  ) -> Int? {
    var brightest: Int?
    for file in files where file.verdict == .accepted {
      guard let own = file.brightest else { return nil }
      brightest = max(brightest ?? 0, own)
    }
    guard let brightest, form.whiteLevel == nil, let white = rules.whiteLevel else {
      return brightest
    }
    // The files were read at full scale; apply the declared level.
    return min(255, brightest * (white > 255 ? 65_535 : 255) / white)
  }
}

extension FolderRemark: CustomStringConvertible {
  /// The finding, and what to do.
  public var description: String {
    switch self {
    case .looksLikeSplits(let names):
      let target =
        ["train", "im", "jpeg"].lazy.compactMap { start in
          names.first { $0.lowercased().hasPrefix(start) }
        }.first
      return
        "folders \(Self.list(names)) look like splits or parts of a download, not like classes: a run "
        + "would train on held-out images and masks. Point the root at "
        + "\(target.map { "\($0)/" } ?? "the folder of training images"), "
        + "or declare the classes."
    case .nearlyBlack(let brightest):
      return
        "no image has a pixel brighter than \(brightest) of 255, so all images are nearly black. "
        + "Declare the white level: 4095 for 12 bits stored in 16, 1023 for 10."
    case .classesWithoutImage(let names, let areDeclared):
      let sentence = ImageSetSummary.sentence(ofClasses: names) ?? ""
      guard areDeclared else {
        return names.count == 1
          ? "\(sentence), so it is not a class." : "\(sentence), so they are not classes."
      }
      return "\(sentence): a model cannot learn \(names.count == 1 ? "it" : "them"). "
        + "Add images, or declare only the other classes."
    case .sameNameTwice(let names):
      return
        "folder names that look the same are encoded in two ways (composed and decomposed letters): "
        + "\(Self.list(names)). They count as one class."
    case .manyRejected(let what, let count, let total):
      return "\(count) of \(total) \(total == 1 ? "file is" : "files are") not used: \(what)."
    case .tablesAlone(let count):
      return
        "\(count) \(count == 1 ? "table" : "tables") and no image. Recipes that learn a table alone, such as "
        + "bayes-net-correlated, read the rows, and 'figment rows' counts them."
    case .tablesUnusable(let finding, let isOfOneTable):
      return "the declared columns cannot be read: \(finding). "
        + (isOfOneTable ? "'figmentd check' names the table; " : "")
        + "'figment rescan' looks again."
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and more" : "")
  }
}
