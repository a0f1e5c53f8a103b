import FoundationEssentials
package import Privacy

/// One line of a ledger file: JSON, chained to the line before it.
///
/// A line is `{"index":…,"previous":…,"time":…,"entry":{…},"hash":"…"}`. The hash is SHA-256 over the bytes
/// before `,"hash":`, exactly as the file holds them, so it does not depend on how JSON is written;
/// `previous` is the hash of the line before, so no line can be removed, inserted or exchanged unnoticed. Any
/// reader can check it with `sha256sum`.
package struct LedgerFileLine: Hashable, Sendable {
  /// The previous hash of the first line.
  static let beginning = String(repeating: "0", count: 64)

  let index: Int
  package let previous: String
  package let time: String
  package let entry: LedgerEntry
  let hash: String
  /// The bytes of the line in the file, with its newline.
  let bytes: [UInt8]

  private static let hashLabel = Array(#","hash":""#.utf8)
  private static let closing = Array(#""}"#.utf8)

  private struct Fields: Decodable {
    let index: Int
    let previous: String
    let time: String
    let entry: LedgerEntry
  }

  /// Writes a line.
  init(index: Int, previous: String, time: String, entry: LedgerEntry) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var body = Array(
      #"{"index":\#(index),"previous":"\#(previous)","time":"\#(time)","entry":"#.utf8)
    body += try encoder.encode(entry)
    self.index = index
    self.previous = previous
    self.time = time
    self.entry = entry
    hash = Self.hash(of: body)
    bytes = body + Self.hashLabel + Array(hash.utf8) + Self.closing + [UInt8(ascii: "\n")]
  }

  /// Reads a line, passed without its newline; nil when a single byte has changed.
  init?(reading line: some Collection<UInt8>) {
    guard let hash = Self.intactHash(of: line) else { return nil }
    guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(line)) else { return nil }
    index = fields.index
    previous = fields.previous
    time = fields.time
    entry = fields.entry
    self.hash = hash
    bytes = Array(line) + [UInt8(ascii: "\n")]
  }

  /// The hash of a line, passed without its newline; nil when it does not match the content.
  static func intactHash(of line: some Collection<UInt8>) -> String? {
    let suffixCount = hashLabel.count + 64 + closing.count
    guard line.count > suffixCount else { return nil }
    let hash = hash(of: Array(line.dropLast(suffixCount)))
    let expected = hashLabel + Array(hash.utf8) + closing
    return line.suffix(suffixCount).elementsEqual(expected) ? hash : nil
  }

  private static func hash(of bytes: [UInt8]) -> String {
    bytes.sha256
  }
}

/// The content of a ledger file, before policy and marks.
package struct LedgerFileContent {
  /// The complete lines.
  package let lines: [LedgerFileLine]
  /// Their fold.
  let history: LedgerHistory
  /// The length of the complete lines in bytes.
  let length: Int
  /// The bytes of an incomplete last line, which a crash while writing leaves.
  let tornBytes: Int

  /// Reads all lines.
  ///
  /// A last line without its newline was never acknowledged and is left out; any other change of what was
  /// written is refused.
  package init(_ bytes: [UInt8], ledger: String) throws(LedgerError) {
    // All hashes are checked first: nothing of a damaged ledger is interpreted.
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      guard LedgerFileLine.intactHash(of: bytes[start..<end]) != nil else {
        throw .corrupt(
          ledger: ledger, line: pieces.count, reason: "its hash does not match its content")
      }
      pieces.append(bytes[start..<end])
      start = end + 1
    }
    var lines: [LedgerFileLine] = []
    var history = LedgerHistory()
    for piece in pieces {
      guard let line = LedgerFileLine(reading: piece) else {
        throw .corrupt(
          ledger: ledger, line: lines.count, reason: "it was written by another version")
      }
      guard line.index == lines.count else {
        throw .corrupt(
          ledger: ledger, line: lines.count, reason: "it claims to be line \(line.index)")
      }
      guard line.previous == lines.last?.hash ?? LedgerFileLine.beginning else {
        throw .corrupt(ledger: ledger, line: lines.count, reason: "it follows another line")
      }
      try history.append(line.entry)
      lines.append(line)
    }
    self.lines = lines
    self.history = history
    length = start
    tornBytes = bytes.count - start
  }

  /// The position of the last line; nil for an empty ledger.
  var position: PrivacyStatement.LedgerPosition? {
    lines.last.map { PrivacyStatement.LedgerPosition(line: $0.index, hash: $0.hash) }
  }

  /// Refuses a ledger that lacks a witnessed line.
  func check(
    contains witness: PrivacyStatement.LedgerWitness, ledger: String
  ) throws(LedgerError) {
    guard let line = witness.line else {
      if lines.contains(where: { $0.hash == witness.hash }) { return }
      throw .lacksLine(ledger: ledger, hash: witness.hash)
    }
    guard line < lines.count else {
      throw .rolledBack(ledger: ledger, found: lines.count - 1, expected: line)
    }
    guard line >= 0, lines[line].hash == witness.hash else {
      throw .corrupt(ledger: ledger, line: line, reason: "it is not the line that was made durable")
    }
  }
}

extension PrivacyStatement.LedgerPosition {
  /// The line as a witness that a ledger must contain.
  var witness: PrivacyStatement.LedgerWitness { .init(hash: hash, line: line) }
}
