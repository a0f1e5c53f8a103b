internal import FoundationEssentials

/// One accepted image of a set, before it is packed.
struct SnapshotRecord: Equatable {
  /// SHA-256 of the encoded file.
  let hash: ContentHash
  /// Index into the classes.
  let label: UInt32
  /// The person's folder if the unit of privacy is a folder, else nil.
  let person: [UInt8]?
  /// The codes of its attributes, one per declared column.
  var codes: [UInt8] = []

  /// The order of a packed file: by content, then by label and person, which can differ if the same bytes
  /// belong to several persons.
  static func precedes(_ left: SnapshotRecord, _ right: SnapshotRecord) -> Bool {
    if left.hash != right.hash { return left.hash < right.hash }
    if left.label != right.label { return left.label < right.label }
    return (left.person ?? []).lexicographicallyPrecedes(right.person ?? [])
  }
}

/// The digest of a set of images: equal for the same images, classes, persons and transform, whatever the file
/// names and the order of arrival.
enum SnapshotDigest {
  /// SHA-256 over the declaration and the records, which must be in the order of `precedes`.
  ///
  /// Without columns, it is the digest of the earlier format, so that runs in progress know their images.
  static func digest(
    of records: some Sequence<SnapshotRecord>, classes: [String], transform: ImageTransform,
    unit: PrivacyUnit, columns: [ColumnDomain] = []
  ) throws -> ContentHash {
    let function = SHA256()
    func add(_ bytes: [UInt8]) { function.update(bytes) }
    func addSized(_ bytes: some Collection<UInt8>) {
      var sized: [UInt8] = []
      sized.append(littleEndian: UInt64(bytes.count))
      add(sized + Array(bytes))
    }
    addSized("figment set of images 1".utf8)
    addSized(transform.description.utf8)
    addSized(unit.rawValue.utf8)
    for name in classes { addSized(name.utf8) }
    add([0xff])
    if !columns.isEmpty { addSized(try JSONEncoder.sorted.encode(columns)) }
    for record in records {
      record.hash.withUnsafeBytes { function.update($0) }
      var label: [UInt8] = []
      label.append(littleEndian: record.label)
      add(label)
      if let person = record.person { addSized(person) }
      if !columns.isEmpty { add(record.codes) }
    }
    return function.finish()
  }
}

/// Determines which copies of the same bytes count.
///
/// Adding or removing one unit of privacy must change at most one record; otherwise the guarantee would cover
/// less than it states:
/// - Unit file: identical files in one class count once. Identical files in several classes do not count at
///   all; if the first one counted, one added file could replace a record.
/// - Unit folder: the same within one person. Copies of different persons all count, because the use of one
///   person's image must not depend on another person's images.
///
/// Attributes are treated like classes: identical files whose rows have different codes do not count at all. If one
/// of them counted, the file of another unit could replace its codes. For every content, the set of different
/// labels and codes only grows when a file is added, and a record exists only while there is exactly one, so one
/// file more adds a record, removes it, or changes nothing.
struct DuplicateResolver {
  private struct Key: Hashable {
    let hash: ContentHash
    let person: [UInt8]?
  }

  private struct Seen {
    let path: RelativePath
    let record: SnapshotRecord
    var contradiction: RelativePath?
    /// Whether the files contradict each other in their classes, not only in their attributes.
    var isOfClasses = false

    func agrees(with other: SnapshotRecord) -> Bool {
      record.label == other.label && record.codes == other.codes
    }
  }

  private var seen: [Key: Seen] = [:]

  /// First pass, in order of paths.
  mutating func note(_ record: SnapshotRecord, at path: RelativePath) {
    let key = Key(hash: record.hash, person: record.person)
    guard let first = seen[key] else {
      seen[key] = Seen(path: path, record: record)
      return
    }
    guard !first.agrees(with: record) else { return }
    if first.contradiction == nil { seen[key]?.contradiction = path }
    if first.record.label != record.label { seen[key]?.isOfClasses = true }
  }

  /// Second pass: nil if the record counts.
  func verdict(on record: SnapshotRecord, at path: RelativePath) -> ImageVerdict? {
    guard let first = seen[Key(hash: record.hash, person: record.person)] else { return nil }
    if let contradiction = first.contradiction {
      let other = first.agrees(with: record) ? contradiction : first.path
      return first.isOfClasses
        ? .contradictoryClass(with: other) : .contradictoryAttributes(with: other)
    }
    return first.path == path ? nil : .duplicate(of: first.path)
  }
}
