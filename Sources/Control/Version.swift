/// The version of the daemon and its command line.
public enum Version {
  /// The text that `--version` prints.
  public static let current = "0.1.0"
}
