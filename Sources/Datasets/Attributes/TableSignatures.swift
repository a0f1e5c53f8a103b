import Glibc

extension DatasetRules {
  /// The signatures of the tables directly in a root that a run under these rules reads; none without columns.
  ///
  /// - Throws: `DatasetError` if the root cannot be read.
  public func tableSignatures(in root: String) throws -> [FileSignature] {
    guard !columns.isEmpty else { return [] }
    let directory = try Directory.root(root)
    return try TableSnapshotBuilder(root: root, rules: self).tables().compactMap {
      directory.status(of: $0.bytes).map(FileSignature.init)
    }
  }
}
