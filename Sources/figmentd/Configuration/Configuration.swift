import Control
import Glibc
import Runs

/// The administrator's configuration: read from files, never changed by a request.
struct Configuration: Hashable, Sendable {
  /// The datasets, ordered by name.
  var datasets: [DatasetConfiguration] = []
  /// The folder of releases; each has its own sub-folder.
  var output: String
  /// The folder of recipes.
  var recipes: String
  /// The number of computing threads; nil uses the processors that are available.
  var threads: Int?
  /// Who may connect to the daemon.
  var socket = SocketConfiguration()
  /// Which finished jobs the daemon removes by itself.
  var retention = RetentionPolicy()
  /// The space to keep free on the disks of state and output.
  var minimumFree = MinimumFree.usual
  /// Who may read releases.
  var release = ReleaseConfiguration()

  /// The numbers of the socket's groups.
  ///
  /// - Throws: `ControlError.notFound` if this machine has no such group.
  func socketGroups() throws(ControlError) -> (control: gid_t?, read: gid_t?) {
    (
      try socket.group.map { name throws(ControlError) in
        try UserAccount.number(ofGroup: name, key: "socket.group")
      },
      try socket.readGroup.map { name throws(ControlError) in
        try UserAccount.number(ofGroup: name, key: "socket.read_group")
      }
    )
  }

  /// Refuses groups that do not exist on this machine, or to which this process cannot assign releases.
  ///
  /// This is not part of reading, because the validity of a file must not depend on the machine.
  func requireGroups() throws(ControlError) {
    _ = try socketGroups()
    for release in [release] + datasets.map(\.release) { _ = try ReleaseRights(release) }
  }

  /// The dataset with a name.
  ///
  /// - Throws: `ControlError.notFound`, which suggests the most similar name.
  func dataset(_ name: String) throws(ControlError) -> DatasetConfiguration {
    guard let dataset = datasets.first(where: { $0.name == name }) else {
      throw .unknown("dataset", name, among: datasets.map(\.name))
    }
    return dataset
  }
}

/// The path of the control socket, and who may use it.
struct SocketConfiguration: Hashable, Sendable {
  /// Its path; nil puts it in the runtime directory.
  var path: String?
  /// The permissions of the socket.
  var mode: UInt32 = 0o660
  /// The group whose members may do everything; nil restricts that to the daemon's own user and root.
  var group: String?
  /// The group whose members have read access only.
  var readGroup: String?
}

/// Who may read releases.
struct ReleaseConfiguration: Codable, Hashable, Sendable {
  /// The group of released folders and files; nil keeps the daemon's group, or that of an output folder
  /// with the set-group-ID bit.
  var group: String?
  /// The permissions of released folders; files get the same without the execute bits.
  var mode: UInt32 = 0o750
}

/// An error in a configuration file, with its place.
struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  /// The file.
  let file: String
  /// The line, from 1; nil if the error concerns the whole file.
  let line: Int?
  /// What failed, what was found, what to do.
  let message: String

  /// The whole message; it starts with file and line, like a compiler's message.
  var description: String {
    line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
  }
}
