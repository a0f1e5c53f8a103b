import Control
import Glibc
import Runs

/// What the administrator decided: read from files, never changed by a request.
struct Configuration: Hashable, Sendable {
  /// The datasets, by name in order.
  var datasets: [DatasetConfiguration] = []
  /// Where releases go, a folder each.
  var output: String
  /// Where recipes are.
  var recipes: String
  /// Threads that compute; nil takes what the machine grants.
  var threads: Int?
  /// Who may speak to the daemon.
  var socket = SocketConfiguration()
  /// Which finished jobs go by themselves.
  var retention = RetentionPolicy()
  /// The room that stays free on the disks of state and output.
  var minimumFree = MinimumFree.usual
  /// Who may read what is released.
  var release = ReleaseConfiguration()

  /// The numbers of the socket's groups.
  ///
  /// - Throws: `ControlError.notFound` when this machine has no such group.
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

  /// Refuses groups that this machine does not know, and such as this process cannot give releases to.
  ///
  /// Not part of reading: a file is right or wrong on its own, and this looks at the machine.
  func requireGroups() throws(ControlError) {
    _ = try socketGroups()
    for release in [release] + datasets.map(\.release) { _ = try ReleaseRights(release) }
  }

  /// The dataset of a name.
  ///
  /// - Throws: `ControlError.notFound` with the name that was probably meant.
  func dataset(_ name: String) throws(ControlError) -> DatasetConfiguration {
    guard let dataset = datasets.first(where: { $0.name == name }) else {
      throw .unknown("dataset", name, among: datasets.map(\.name))
    }
    return dataset
  }
}

/// Where the control socket is and who may use it.
struct SocketConfiguration: Hashable, Sendable {
  /// Where it is; nil leaves it in the runtime directory.
  var path: String?
  /// The permissions of the socket.
  var mode: UInt32 = 0o660
  /// The group whose members may do everything; nil leaves it to the daemon's own user and root.
  var group: String?
  /// The group whose members may look and change nothing.
  var readGroup: String?
}

/// Who may read what is released.
struct ReleaseConfiguration: Codable, Hashable, Sendable {
  /// The group of released folders and files; nil leaves the daemon's own, or that of an output folder which
  /// passes its group on.
  var group: String?
  /// The permissions of released folders; files get the same without the right to search.
  var mode: UInt32 = 0o750
}

/// What is wrong with a configuration file, and where.
struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  /// The file.
  let file: String
  /// The line, from 1; nil when it is about the whole file.
  let line: Int?
  /// What failed, what was found, what to do.
  let message: String

  /// The whole message, which starts with file and line as compilers write them.
  var description: String {
    line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
  }
}
