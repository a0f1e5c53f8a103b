import Glibc

/// Rows of the golden tables: from `FIGMENT_TEST_GOLDEN` if that folder has the table (it may have
/// more rows), from `../shared/golden` beside the package, or from the copy kept with the tests.
enum Golden {
  static func rows(_ name: String, file: String = #filePath) -> [[String: Double]] {
    let package = file.split(separator: "/").dropLast(3).joined(separator: "/")
    let folders = [
      getenv("FIGMENT_TEST_GOLDEN").map { String(cString: $0) },
      "/\(package)/../shared/golden", "/\(package)/Tests/Golden/privacy",
    ]
    for folder in folders.compactMap({ $0 }) {
      if let text = contents(of: "\(folder)/\(name).csv") {
        let rows = parse(text)
        if !rows.isEmpty { return rows }
      }
    }
    fatalError(
      "golden table \(name): not found or empty (at least one row expected)")
  }

  private static func contents(of path: String) -> String? {
    guard let stream = fopen(path, "r") else { return nil }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    while true {
      let byte = getc(stream)
      if byte == EOF { break }
      bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func parse(_ text: String) -> [[String: Double]] {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    guard let header = lines.first?.split(separator: ",") else { return [] }
    return lines.dropFirst().map { line in
      var row: [String: Double] = [:]
      for (name, field) in zip(header, line.split(separator: ",")) {
        row[String(name)] = Double(field) ?? .nan
      }
      return row
    }
  }
}
