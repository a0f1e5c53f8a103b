import Control

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
