import Glibc

extension DatasetRules {
  /// The signatures of the tables directly in a root that a run under these rules reads; none without columns.
  ///
  /// - Throws: `DatasetError` if the root cannot be read.
  public func tableSignatures(in root: String) throws -> [FileSignature] {
    guard !columns.isEmpty else { return [] }
    var signatures: [FileSignature] = []
    try Directory.root(root).forEachEntry { name, kind in
      guard kind != .directory, TableFormat(name: name) != nil else { return }
      var status = stat()
      let path = root + "/" + String(decoding: name, as: UTF8.self)
      if lstat(path, &status) == 0 { signatures.append(FileSignature(status)) }
    }
    return signatures
  }
}
