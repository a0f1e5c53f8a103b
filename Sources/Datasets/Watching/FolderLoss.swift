/// Tells a folder from which files were removed from one whose share was lost.
///
/// A share that is not mounted leaves an empty folder, or one with a few files below it. To believe
/// that would throw away every verdict, and all files would be decoded anew when they are back.
public enum FolderLoss {
  /// Fewer files than this are removed by people every day, also from small sets.
  private static let smallLoss = 10

  /// Whether so few files are left of those that were known that their share may be lost: none, or
  /// less than half and ten fewer.
  public static func isSuspect(known: Int, found: Int) -> Bool {
    guard known > 0 else { return false }
    return found == 0 || (known - found >= smallLoss && found < known - found)
  }
}
