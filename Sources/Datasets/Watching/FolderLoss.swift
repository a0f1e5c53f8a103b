/// Distinguishes a folder whose files were removed from one whose share was lost.
///
/// An unmounted share leaves an empty folder, or one with a few files. Without this check, every verdict would
/// be discarded, and all files would be decoded again when they return.
public enum FolderLoss {
  /// People often remove fewer files than this, even from small sets.
  private static let smallLoss = 10

  /// Whether so few known files remain that their share may be lost: none, or less than half and at least ten
  /// fewer.
  public static func isSuspect(known: Int, found: Int) -> Bool {
    guard known > 0 else { return false }
    return found == 0 || (known - found >= smallLoss && found < known - found)
  }
}
