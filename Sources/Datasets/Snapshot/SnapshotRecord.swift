/// One accepted image of a set, before it is packed.
struct SnapshotRecord: Equatable {
  /// SHA-256 of the encoded file.
  let hash: ContentHash
  /// Index into the classes.
  let label: UInt32
  /// The person's folder if the unit of privacy is a folder, else nil.
  let person: [UInt8]?

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
  static func digest(
    of records: some Sequence<SnapshotRecord>, classes: [String], transform: ImageTransform,
    unit: PrivacyUnit
  ) -> ContentHash {
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
    for record in records {
      record.hash.withUnsafeBytes { function.update($0) }
      var label: [UInt8] = []
      label.append(littleEndian: record.label)
      add(label)
      if let person = record.person { addSized(person) }
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
struct DuplicateResolver {
  private struct Key: Hashable {
    let hash: ContentHash
    let person: [UInt8]?
  }

  private struct Seen {
    let path: RelativePath
    let label: UInt32
    var contradiction: RelativePath?
  }

  private var seen: [Key: Seen] = [:]

  /// First pass, in order of paths.
  mutating func note(_ record: SnapshotRecord, at path: RelativePath) {
    let key = Key(hash: record.hash, person: record.person)
    guard let first = seen[key] else {
      seen[key] = Seen(path: path, label: record.label)
      return
    }
    if first.label != record.label, first.contradiction == nil {
      seen[key]?.contradiction = path
    }
  }

  /// Second pass: nil if the record counts.
  func verdict(on record: SnapshotRecord, at path: RelativePath) -> ImageVerdict? {
    guard let first = seen[Key(hash: record.hash, person: record.person)] else { return nil }
    if let contradiction = first.contradiction {
      return .contradictoryClass(with: record.label == first.label ? contradiction : first.path)
    }
    return first.path == path ? nil : .duplicate(of: first.path)
  }
}
