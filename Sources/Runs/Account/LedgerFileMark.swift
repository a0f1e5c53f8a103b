import FoundationEssentials
import Privacy

/// The high-water mark of a ledger: the newest durable line, kept in another directory.
///
/// A ledger that was restored from a copy, or lost lines at its end, is consistent in itself; only a record
/// outside it can reveal this. The mark is written after the line and before anything is granted, so every
/// granted line is marked. After a failed fsync, a note beside the mark keeps the ledger closed across
/// restarts until an operator removes it.
struct LedgerFileMark {
  let directory: String
  let ledger: String
  let disk: any LedgerFileDisk

  /// The files of a mark's directory; each is first written under a temporary name.
  static let names = ["ledger.mark", "ledger.poisoned"]

  private var path: String { "\(directory)/\(Self.names[0])" }
  private var notePath: String { "\(directory)/\(Self.names[1])" }

  /// The marked line; nil when no mark was ever written.
  func read() throws(LedgerError) -> PrivacyStatement.LedgerPosition? {
    let bytes: [UInt8]?
    do {
      bytes = try disk.content(of: path)
    } catch {
      throw .markUnusable(ledger: ledger, reason: "cannot be read (\(error.reason))")
    }
    guard let bytes else { return nil }
    guard
      let position = try? JSONDecoder().decode(
        PrivacyStatement.LedgerPosition.self, from: Data(bytes))
    else { throw .markUnusable(ledger: ledger, reason: "is damaged") }
    return position
  }

  /// Moves the mark.
  func write(_ position: PrivacyStatement.LedgerPosition) throws(LedgerFileFault) {
    let line = #"{"line":\#(position.line),"hash":"\#(position.hash)"}"# + "\n"
    try disk.replace(path, in: directory, with: Array(line.utf8))
  }

  /// Refuses while the note of an earlier failure exists.
  func checkNoNote() throws(LedgerError) {
    let note: [UInt8]?
    do {
      note = try disk.content(of: notePath)
    } catch {
      throw .markUnusable(ledger: ledger, reason: "directory cannot be read (\(error.reason))")
    }
    if let note {
      throw .poisoned(
        ledger: ledger,
        reason: "\(String(decoding: note, as: UTF8.self)); remove \(notePath) afterwards")
    }
  }

  /// Writes the note; on a failing disk this may fail too, and then only this process refuses.
  func leaveNote(_ reason: String) {
    try? disk.replace(notePath, in: directory, with: Array(reason.utf8))
  }
}
