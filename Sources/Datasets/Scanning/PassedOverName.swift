/// Why a file or folder is skipped for its name alone.
///
/// Macs, Windows, network storage, synchronisation programs, browsers, editors and development tools leave
/// such files beside images, and their names identify them. ASCII letters are compared case-insensitively.
public enum PassedOverName: String, Hashable, Sendable, Codable, CaseIterable {
  /// Begins with `.` or `~`.
  case hidden
  /// A file that is still being written or downloaded, or its lock file.
  case unfinished
  /// A backup by an editor or a person.
  case backup
  /// A conflict copy: a synchronisation program could not merge two versions.
  case conflictCopy
  /// A placeholder for a file that was not downloaded.
  case placeholder
  /// An internal file of a system or a program.
  case systemFile
  /// An internal folder of a system or a program: thumbnails, recycle bins, snapshots.
  case systemFolder
  /// The table of attributes in the root, which is read for declared columns and is never an image.
  case metadata
  /// A sheet of `figment preview`, identified by the text in its header: it shows images of many units, so no
  /// model may learn from it.
  case previewSheet

  /// The text in the header of such a sheet.
  static let previewMark = Array("figment preview: real images, not to be shared".utf8)
  /// The number of bytes at the start of the sheet to search for the text.
  private static let previewHead = 512

  /// Whether a file is a sheet of `figment preview`.
  static func isPreviewSheet(_ file: UnsafeRawBufferPointer) -> Bool {
    file.first == 0x89 && file.prefix(previewHead).firstRange(of: previewMark) != nil
  }

  /// The reason to skip an entry of this name; nil for an ordinary name.
  public init?(_ name: some BidirectionalCollection<UInt8>, isFolder: Bool) {
    guard let first = name.first, let last = name.last else { return nil }
    if first == UInt8(ascii: ".") || first == UInt8(ascii: "~") {
      self = .hidden
      return
    }
    if last == UInt8(ascii: "~") || (first == UInt8(ascii: "#") && last == first) {
      self = .backup
      return
    }
    let lower = name.map(Self.lowercase)
    if isFolder ? Self.isSystemFolder(lower) : Self.systemFiles.contains(lower) {
      self = isFolder ? .systemFolder : .systemFile
      return
    }
    if Self.isConflictCopy(lower) {
      self = .conflictCopy
      return
    }
    guard let dot = lower.lastIndex(of: UInt8(ascii: ".")), dot > 0,
      let kind = Self.kinds[Array(lower[(dot + 1)...])]
    else { return nil }
    self = kind
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  // MARK: Whole names

  private static func names(_ names: String...) -> Set<[UInt8]> {
    Set(names.map { Array($0.utf8) })
  }

  private static let systemFolders = names(
    // macOS, also on foreign disks
    "__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder",
    // Windows
    "$recycle.bin", "recycler", "recycled", "system volume information", "config.msi", "$extend",
    // Synology, QNAP, NetApp, other network storage
    "@eadir", "@tmp", "@sharebin", "#recycle", "#snapshot", "@recycle", "@recently-snapshot",
    "@__thumb", "@snapshots",
    // Linux
    "lost+found",
    // Development tools
    "__pycache__", "node_modules")

  private static let systemFiles = names(
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "folder.htt",
    "indexervolumeguid", "wpsettings.dat", "icon\r", "picasa.ini", "zbthumbnail.info",
    "sync.ffs_db", "descript.ion", "pspbrwse.jbf", "aquota.user", "aquota.group")

  /// Includes folders from Windows disk checks: `found.000` and so on.
  private static func isSystemFolder(_ name: [UInt8]) -> Bool {
    if systemFolders.contains(name) { return true }
    let prefix = Array("found.".utf8)
    return name.count == prefix.count + 3 && name.starts(with: prefix)
      && name.suffix(3).allSatisfy(isDigit)
  }

  // MARK: Ends of names

  private static let kinds: [[UInt8]: PassedOverName] = {
    let unfinished = [
      "part", "partial", "filepart", "crdownload", "download", "opdownload", "dtapart",
      "unfinished",
      "incomplete", "tmp", "temp", "!qb", "!ut", "!sync", "!bt", "bc!", "aria2", "td", "xltd",
      "drivedownload", "ffs_tmp", "gstmp", "swp", "swo", "swn", "lock", "lck", "ffs_lock",
    ]
    let backup = ["bak", "backup", "old", "orig", "rej"]
    let placeholder = ["icloud", "owncloud", "nextcloud", "cloudf"]
    var kinds: [[UInt8]: PassedOverName] = [:]
    for (names, kind) in [
      (unfinished, Self.unfinished), (backup, .backup), (placeholder, .placeholder),
      (["lrdata", "ffs_db"], .systemFile),
    ] {
      for name in names { kinds[Array(name.utf8)] = kind }
    }
    return kinds
  }()

  // MARK: Conflict copies

  /// Letters that all names of conflict copies share.
  private static let conflictLetters = Array("onfli".utf8)
  private static let conflictWords: [[UInt8]] = [
    ".sync-conflict-", "conflicted copy", "(conflicted", "(case conflict", "(sfconflict",
    "(selective sync conflict", "(unicode encoding conflict", "[conflict]", ".conflict.",
    "konfliktkopie", "(in konflikt", "copie en conflit", "copia en conflicto",
    "copia in conflitto",
  ].map { Array($0.utf8) }
  private static let conflictEnding = Array("_conflict".utf8)

  private static func isConflictCopy(_ name: [UInt8]) -> Bool {
    guard first(conflictLetters, in: name) != nil else { return false }
    if conflictWords.contains(where: { first($0, in: name) != nil }) { return true }
    // A date must precede (Synology) or follow (ownCloud), because `armed_conflict.jpg` is a picture.
    guard let place = first(conflictEnding, in: name) else { return false }
    let end = place + conflictEnding.count
    let isDatedBefore = place > 0 && isDigit(name[place - 1])
    let isDatedAfter =
      end + 1 < name.count && name[end] == UInt8(ascii: "-") && isDigit(name[end + 1])
    return isDatedBefore || isDatedAfter
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func first(_ word: [UInt8], in name: [UInt8]) -> Int? {
    guard name.count >= word.count else { return nil }
    return (0...(name.count - word.count)).first { name[$0...].starts(with: word) }
  }
}

extension PassedOverName: CustomStringConvertible {
  /// The meaning of such names.
  public var description: String {
    switch self {
    case .hidden: "its name begins with '.' or '~', like that of a hidden file"
    case .unfinished: "its name is that of an unfinished file or a lock file"
    case .backup: "its name is that of a backup"
    case .conflictCopy: "its name is that of a conflict copy by a synchronisation program"
    case .placeholder: "its name is that of a placeholder for a file that was not downloaded"
    case .systemFile: "an internal file of a system or a program"
    case .previewSheet: "a sheet of 'figment preview', which shows images of many units"
    case .systemFolder: "an internal folder of a system or a program"
    case .metadata: "a table: runs read its declared columns, and nothing else of it"
    }
  }
}
