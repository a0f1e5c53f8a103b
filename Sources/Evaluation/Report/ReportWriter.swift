public import FoundationEssentials

/// Writes both versions of a report into one folder.
public struct ReportWriter {
  /// Creates a writer.
  public init() {}

  /// Writes report.html and report.json into `internal` and `release` below `directory`.
  ///
  /// Other users cannot read the internal folder.
  ///
  /// - Returns: The paths of the two pages.
  @discardableResult
  public func write(
    _ data: ReportData, to directory: String
  ) throws -> (internalPage: String, releasePage: String) {
    (
      try write(data.document(for: InternalReport.self), to: directory, permissions: 0o700),
      try write(data.document(for: ReleaseReport.self), to: directory, permissions: 0o755)
    )
  }

  /// Writes the files of one version: the HTML page and the JSON file.
  public func files<Zone: ReportZone>(
    _ data: ReportData, for zone: Zone.Type
  ) throws -> (page: Data, json: Data) {
    let document = data.document(for: zone)
    return (Data(HTMLReport(document).markup.utf8), try document.json())
  }

  private func write<Zone>(
    _ document: ReportDocument<Zone>, to directory: String, permissions: Int
  ) throws -> String {
    let folder = "\(directory)/\(Zone.name)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true,
      attributes: [.posixPermissions: permissions])
    try write(Data(HTMLReport(document).markup.utf8), to: folder + "/report.html")
    try write(document.json(), to: folder + "/report.json")
    return folder + "/report.html"
  }

  private func write(_ data: Data, to path: String) throws {
    try data.write(to: URL(filePath: path), options: .atomic)
  }
}
