import Datasets
import Testing

@Suite struct PassedOverNameTests {
  private func reason(_ name: String, isFolder: Bool = false) -> PassedOverName? {
    PassedOverName(Array(name.utf8), isFolder: isFolder)
  }

  @Test(
    arguments: [
      (".DS_Store", PassedOverName.hidden), ("._0.png", .hidden), ("~$report.docx", .hidden),
      (".~lock.a.odt#", .hidden), (".~name.png", .hidden), (".syncthing.a.png.tmp", .hidden),
      (".nfs0000001", .hidden), (".goutputstream-X", .hidden),
      ("0.png.part", .unfinished), ("0.PNG.Part", .unfinished), ("0.png.crdownload", .unfinished),
      ("0.png.!qB", .unfinished), ("1.png.!sync", .unfinished), ("3.png.aria2", .unfinished),
      ("a.filepart", .unfinished), ("a.png.tmp", .unfinished), ("a.partial", .unfinished),
      ("a.bc!", .unfinished), ("a.png.tmp.drivedownload", .unfinished), ("a.swp", .unfinished),
      ("a.png.lock", .unfinished), ("a.opdownload", .unfinished),
      ("4.png.bak", .backup), ("a.png~", .backup), ("#a.png#", .backup), ("a.png.orig", .backup),
      ("a.old", .backup),
      ("0.sync-conflict-20240101-101010-ABCDEFG.png", .conflictCopy),
      ("0 (conflicted copy 2024-01-01).png", .conflictCopy),
      ("0 (Anna's conflicted copy 2024-01-01).png", .conflictCopy),
      ("0 (Case Conflict).png", .conflictCopy), ("0 (case conflict 1).png", .conflictCopy),
      ("a_conflict-20170101-101010.png", .conflictCopy), ("a [Conflict].png", .conflictCopy),
      ("a_DiskStation_Aug-19-1234-2014_Conflict.png", .conflictCopy),
      ("a (SFConflict anna@x 2015-01-01).png", .conflictCopy), ("a.Conflict.png", .conflictCopy),
      ("a (In Konflikt stehende Kopie von Anna).png", .conflictCopy),
      ("a (copie en conflit de Anna).png", .conflictCopy),
      ("5.png.icloud", .placeholder), ("5.png.nextcloud", .placeholder),
      ("Thumbs.db", .systemFile), ("desktop.ini", .systemFile), ("Icon\r", .systemFile),
      ("ehthumbs_vista.db", .systemFile), ("IndexerVolumeGuid", .systemFile),
    ])
  func namesOfOtherProgramsAreSkipped(name: String, expected: PassedOverName) {
    #expect(reason(name) == expected)
  }

  @Test(
    arguments: [
      "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "#snapshot", "#recycle", "@eaDir",
      "@Recycle", "@Recently-Snapshot", "lost+found", "__pycache__", "node_modules", "RECYCLER",
      "found.000", "FOUND.123", "Network Trash Folder",
    ])
  func foldersOfSystemsAreSkipped(name: String) {
    #expect(reason(name, isFolder: true) == .systemFolder)
  }

  @Test(arguments: [
    ".git", ".snapshot", "~snapshot", ".Trashes", ".ipynb_checkpoints", ".stfolder",
  ])
  func hiddenFoldersAreSkipped(name: String) {
    #expect(reason(name, isFolder: true) == .hidden)
  }

  @Test(
    arguments: [
      "0.png", "IMG_1234 (1).JPG", "Copy of 0.png", "0 - Copy.png", "0 copy 2.png", "no ending",
      "armed_conflict.jpg", "conflict_zone.png", "conflict.png", "partial_view.png", "bak.png",
      "tmp.png", "download.jpg", "part", "old", "icloud", "thumbs.db.png", "a#b.png", "café.png",
      "foo.download.png", "Konflikt.jpg", "0.tif", "x_conflict-zone.png",
    ])
  func ordinaryFilesAreNotSkipped(name: String) { #expect(reason(name) == nil) }

  @Test(
    arguments: [
      "cats", "part", "old", "tmp", "backup", "lost", "found", "found.00x", "snapshot", "conflict",
      "3", "Thumbs", "recycle", "labels",
    ])
  func ordinaryFoldersAreNotSkipped(name: String) { #expect(reason(name, isFolder: true) == nil) }

  @Test func anyBytesAreAcceptedAsAName() {
    for bytes: [UInt8] in [
      [], [0xff], [0x2e], [0x2e, 0xff], [0xc3, 0x28, 0x2e], Array(repeating: 0x28, count: 255),
    ] {
      _ = PassedOverName(bytes, isFolder: false)
      _ = PassedOverName(bytes, isFolder: true)
    }
    #expect(PassedOverName([], isFolder: false) == nil)
  }

  @Test func everyReasonIsNamedInItsVerdict() {
    let texts = PassedOverName.allCases.map { "\(ImageVerdict.ignored($0))" }
    #expect(Set(texts).count == PassedOverName.allCases.count)
    #expect(texts.allSatisfy { $0.hasPrefix("skipped: ") && $0.hasSuffix(".") })
  }
}
