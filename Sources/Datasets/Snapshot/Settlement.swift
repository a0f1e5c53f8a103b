/// Determines the final verdicts of a folder after all files were read: duplicates, limits per person and
/// classes without images depend on the whole folder.
struct Settlement {
  /// Every entry with its verdict, in order of paths.
  private(set) var files: [InspectedFile] = []
  /// The accepted images; slots are the numbers of their files.
  private(set) var accepted: [PackedRecord] = []
  /// The class names in label order: the declared ones, or the discovered ones with an image.
  private(set) var classes: [String] = []

  private let reader: PathReader
  private let attributes: ImageAttributes?

  /// - Parameters:
  ///   - findings: the result of reading each file, in order of paths.
  ///   - others: entries whose verdicts are final.
  ///   - attributes: the attributes of the files, in the order of `findings`; nil to disregard them.
  init(
    of findings: [InspectedFile], beside others: [InspectedFile], rules: DatasetRules,
    paths reader: PathReader, attributes: ImageAttributes? = nil
  ) {
    self.reader = reader
    self.attributes = attributes
    let records = findings.indices.map { record(of: findings[$0], number: $0) }
    let verdicts = verdicts(on: records, findings, rules)
    for (index, record) in records.enumerated() where verdicts[index] == .accepted {
      if let record { accepted.append(PackedRecord(record: record, slot: index)) }
    }
    files = others
    files.reserveCapacity(others.count + findings.count)
    for (finding, verdict) in zip(findings, verdicts) {
      files.append(settled(finding, verdict))
    }
    files.sort { $0.path < $1.path }
    numberClasses(areDeclared: rules.classes != nil)
  }

  /// Drops discovered classes without an image; the others keep their order.
  ///
  /// A declared class stays: it is public, and its label must not depend on the images.
  private mutating func numberClasses(areDeclared: Bool) {
    classes = reader.classes
    guard !areDeclared else { return }
    let used = Set(accepted.map(\.record.label)).sorted()
    guard used.count < classes.count, !used.isEmpty else { return }
    classes = used.map { classes[Int($0)] }
    let numbers = Dictionary(
      uniqueKeysWithValues: used.enumerated().map { ($1, UInt32($0)) })
    accepted = accepted.map { packed in
      let old = packed.record
      let label = numbers[old.label] ?? old.label
      return PackedRecord(
        record: SnapshotRecord(
          hash: old.hash, label: label, person: old.person, codes: old.codes),
        slot: packed.slot)
    }
  }

  /// The record of a file; nil if it is not used, for example because a required attribute is missing.
  private func record(of finding: InspectedFile, number: Int) -> SnapshotRecord? {
    guard finding.verdict == .accepted, let hash = finding.contentHash,
      case .success(let reading) = reader.read(finding.path)
    else { return nil }
    guard let attributes else {
      return SnapshotRecord(hash: hash, label: reading.label, person: reading.person)
    }
    return attributes.codes(ofFile: number).map {
      SnapshotRecord(hash: hash, label: reading.label, person: reading.person, codes: $0)
    }
  }

  private func verdicts(
    on records: [SnapshotRecord?], _ findings: [InspectedFile], _ rules: DatasetRules
  ) -> [ImageVerdict] {
    var resolver = DuplicateResolver()
    for (index, record) in records.enumerated() {
      if let record { resolver.note(record, at: findings[index].path) }
    }
    var verdicts = findings.map(\.verdict)
    for index in verdicts.indices
    where verdicts[index] == .accepted && attributes?.lacksValue(file: index) ?? false {
      verdicts[index] = .missingAttribute
    }
    for (index, record) in records.enumerated() {
      if let record, let verdict = resolver.verdict(on: record, at: findings[index].path) {
        verdicts[index] = verdict
      }
    }
    limitPeople(records, rules, &verdicts)
    return verdicts
  }

  /// Keeps the first images of each person in the order of their content, which depends on no other
  /// person.
  private func limitPeople(
    _ records: [SnapshotRecord?], _ rules: DatasetRules, _ verdicts: inout [ImageVerdict]
  ) {
    guard rules.privacyUnit == .folder, let limit = rules.maximumPerUnit else { return }
    var images: [[UInt8]: [(SnapshotRecord, Int)]] = [:]
    for (index, record) in records.enumerated() where verdicts[index] == .accepted {
      if let record { images[record.person ?? [], default: []].append((record, index)) }
    }
    for (_, own) in images where own.count > limit {
      let ordered = own.sorted { SnapshotRecord.precedes($0.0, $1.0) }
      for (_, index) in ordered.dropFirst(limit) { verdicts[index] = .beyondUnitLimit }
    }
  }

  private func settled(_ finding: InspectedFile, _ verdict: ImageVerdict) -> InspectedFile {
    var file = finding
    file.verdict = verdict
    if case .success(let reading) = reader.read(file.path) {
      file.className = reader.classes[Int(reading.label)]
    }
    return file
  }
}

extension [InspectedFile] {
  /// The verdicts of these files in a run with `transform`, without reading them again.
  ///
  /// The recorded size of an image shows whether it is large enough, which in turn determines the images of a
  /// person that count. The list must come from an inspection that enlarges without limit
  /// (`ImageTransform.inspection`), so that every readable file has a size.
  public func verdicts(under transform: ImageTransform, rules: DatasetRules) -> [InspectedFile] {
    var candidates: [InspectedFile] = []
    var others: [InspectedFile] = []
    for file in self {
      guard var finding = file.asRead, finding.verdict == .accepted else {
        others.append(file)
        continue
      }
      if let height = file.height, let width = file.width,
        !transform.accepts(height: height, width: width)
      {
        finding.verdict = .tooSmall
      }
      candidates.append(finding)
    }
    let folders = Set(candidates.compactMap(\.path.classFolder))
    return Settlement(
      of: candidates, beside: others, rules: rules,
      paths: PathReader(rules: rules, folders: folders)
    ).files
  }
}

extension InspectedFile {
  /// The verdict of this file alone in a run with `transform`.
  ///
  /// For a whole list, including limits per person, use `verdicts(under:rules:)`.
  public func verdict(under transform: ImageTransform) -> ImageVerdict {
    guard verdict == .accepted, let height, let width,
      !transform.accepts(height: height, width: width)
    else { return verdict }
    return .tooSmall
  }
}
