import Glibc

/// Temporary files and folders that a crash or a kill left behind.
///
/// Only figment's own leftovers are removed: its names, for the kinds of files that have them, in the places
/// where it makes them. They may contain private pixels (`images.pack.<process>.tmp`). Nothing here throws:
/// what cannot be removed stays, and the next start tries again.
package enum Leftovers {
  /// Files of a run's internal folder that are written under a temporary name.
  private static let internalNames =
    [
      "design.json", "files.jsonl", "images.json", "metrics.jsonl", "published.json",
      "report.html", "report.json", "results.json", "run-name", "run.json",
    ] + PaidAnswers.fileNames
  /// Packed pixels that exist only for a moment.
  private static let briefPacks = [
    HoldOut.pack, PublicFolder.unchecked, PublicFolder.everyPrivate,
  ]
  /// Packed pixels that are written under a temporary name.
  private static let packs = (["images.pack"] + briefPacks).map { $0 + "." }
  /// The name of a set's folder until the set is complete: `.figment-NAME-` and twelve digits.
  private static let setPrefix = ".figment-"
  private static let setDigits = 12

  /// Removes what a kill during a move of the mark left, unless a run holds the ledger: it may be about to
  /// move the mark.
  package static func sweepMarks(ledgers: String, marks: String) {
    for ledger in names(in: marks) {
      let found = names(in: "\(marks)/\(ledger)").filter {
        isTemporary($0, of: LedgerFileMark.names)
      }
      guard !found.isEmpty else { continue }
      let path = "\(ledgers)/\(ledger)/ledger.jsonl"
      let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard file >= 0 else { continue }
      defer { close(file) }
      guard flock(file, LOCK_EX | LOCK_NB) == 0 else { continue }
      for name in found { removeFile("\(marks)/\(ledger)/\(name)") }
    }
  }

  /// Removes the leftovers of one run, unless another process is packing images there.
  package static func sweep(internalFiles: String, checkpoints: String) {
    for name in names(in: internalFiles) {
      let path = "\(internalFiles)/\(name)"
      if isTemporary(name, of: internalNames) || isTemporaryPack(name)
        || briefPacks.contains(name)
      {
        removeFile(path)
      }
    }
    for folder in [checkpoints, internalFiles + "/previews"] {
      for name in names(in: folder) where isTemporaryStep(name) { removeFile("\(folder)/\(name)") }
    }
  }

  private static func isTemporary(_ name: String, of bases: [String]) -> Bool {
    name.hasSuffix(DurableFile.temporarySuffix)
      && bases.contains(String(name.dropLast(DurableFile.temporarySuffix.count)))
  }

  private static func isTemporaryPack(_ name: String) -> Bool {
    packs.contains { pack in
      guard name.hasPrefix(pack), name.hasSuffix(DurableFile.temporarySuffix) else { return false }
      let process = name.dropFirst(pack.count).dropLast(DurableFile.temporarySuffix.count)
      return isNumber(process)
    }
  }

  private static func isTemporaryStep(_ name: String) -> Bool {
    [".safetensors", ".png"].contains { kind in
      let end = kind + DurableFile.temporarySuffix
      return name.hasPrefix("step-") && name.hasSuffix(end)
        && isNumber(name.dropFirst("step-".count).dropLast(end.count))
    }
  }

  /// Whether a name is that of an incomplete set's folder.
  package static func isUnfinishedSet(_ name: String) -> Bool {
    guard !name.contains("/"), name.hasPrefix(setPrefix),
      name.hasSuffix(DurableFile.temporarySuffix)
    else {
      return false
    }
    let middle = name.dropFirst(setPrefix.count).dropLast(DurableFile.temporarySuffix.count)
    let digits = middle.suffix(setDigits)
    return middle.count > setDigits + 1 && middle.dropLast(setDigits).last == "-"
      && digits.allSatisfy { $0.isASCII && $0.isHexDigit }
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  package static func names(in folder: String) -> [String] {
    (try? DurableFile.names(in: folder)) ?? []
  }

  /// Removes a regular file that no process has locked; a process that packs images holds a lock.
  package static func removeFile(_ path: String) {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      flock(file, LOCK_EX | LOCK_NB) == 0
    else { return }
    unlink(path)
  }

  package static func removeFolder(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
    try? FolderTree.remove(path)
  }
}
