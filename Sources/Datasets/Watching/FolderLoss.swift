/// Distinguishes a folder whose files were removed from one whose share was lost.
///
/// An unmounted share leaves an empty folder, or one with a few files below it. If the loss were
/// believed, every verdict would be discarded, and all files would be decoded again when they
/// return.
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
