/// The version of the daemon and its command line.
public enum Version {
  /// What `--version` says.
  public static let current = "0.1.0"
}
