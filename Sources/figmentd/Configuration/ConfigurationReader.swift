import Control
import enum Datasets.ClassNames
import struct Datasets.ColumnDomain
import struct Datasets.ImageTransform
import struct Datasets.WatchOptions
import Glibc
import struct Privacy.DeltaSize
import struct Privacy.PrivacyBudget
import Runs
import Yams

/// Reads a configuration from its file and from `conf.d/*.yaml` beside it.
///
/// Later files replace single values of earlier ones and add datasets. An unknown key is an error: a
/// misspelt `epsilon_max` must not leave a budget unlimited.
struct ConfigurationReader {
  private var configuration: Configuration
  /// The declaration of each dataset, for errors that are found only after all files are read.
  private var origins: [String: ConfigurationNode] = [:]
  /// The release settings of each dataset; a later file may still change the defaults that they extend.
  private var releases: [String: ConfigurationNode] = [:]
  /// The public folder of each dataset, which is compared with the images of all of them.
  private var publicFolders: [String: ConfigurationNode] = [:]

  /// Starts with the configuration that is valid without any file.
  init(defaults: Configuration) {
    configuration = defaults
  }

  /// Reads the file at `path` and `conf.d/*.yaml` beside it.
  ///
  /// - Throws: `ConfigurationError` with file and line.
  static func read(_ path: String, defaults: Configuration) throws -> Configuration {
    var reader = ConfigurationReader(defaults: defaults)
    try reader.add(text(of: path), from: path)
    let folder = (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/conf.d"
    for name in try DurableFile.names(in: folder) where name.hasSuffix(".yaml") {
      let file = folder + "/" + name
      try reader.add(text(of: file), from: file)
    }
    return try reader.finish()
  }

  private static func text(of path: String) throws -> String {
    do {
      return String(decoding: try DurableFile.read(path), as: UTF8.self)
    } catch let error as SystemCallError {
      throw ConfigurationError(
        file: path, line: nil,
        message: "cannot read it: \(String(cString: strerror(error.code)))."
          + " Create it, or choose another file with --config.")
    } catch let error as ControlError {
      // Not a regular file, or too large; the message begins with the path.
      throw ConfigurationError(
        file: path, line: nil, message: String(error.message.dropFirst(path.count + 2)))
    }
  }

  /// Reads one file.
  mutating func add(_ text: String, from file: String) throws {
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch let error as YamlError {
      throw Self.error(error, in: file)
    }
    guard let root else { return }
    var top = try ConfigurationNode(node: root, file: file, place: "").mapping()
    if let node = top.take("output") { configuration.output = try node.absolutePath() }
    if let node = top.take("recipes") { configuration.recipes = try node.absolutePath() }
    if let node = top.take("threads") { configuration.threads = try node.integer(in: 1...1024) }
    if let node = top.take("socket") { try addSocket(node) }
    if let node = top.take("retention") { configuration.retention = try node.retention() }
    if let node = top.take("minimum_free") {
      configuration.minimumFree = try node.minimumFree()
    }
    if let node = top.take("release") {
      configuration.release = try Self.release(node, unless: configuration.release)
    }
    if let node = top.take("datasets") {
      for (name, value) in try node.mapping().all { try addDataset(name, value) }
    }
    try top.finish()
  }

  /// Returns the configuration after all files were read.
  func finish() throws(ConfigurationError) -> Configuration {
    var result = configuration
    result.datasets.sort { $0.name < $1.name }
    for place in result.datasets.indices {
      result.datasets[place].release =
        try releases[result.datasets[place].name].map { node throws(ConfigurationError) in
          try Self.release(node, unless: result.release)
        } ?? result.release
    }
    for dataset in result.datasets {
      guard let origin = origins[dataset.name] else { continue }
      if WorkingFolder.overlap(dataset.root, result.output) {
        throw origin.error(
          "root \(dataset.root) and output \(result.output): one contains the other (separate folders "
            + "expected). Jobs would train on synthetic images as if they were real. Move one of them."
        )
      }
      for other in result.datasets
      where other.name < dataset.name && WorkingFolder.overlap(dataset.root, other.root) {
        throw origin.error(
          "root \(dataset.root) and the root of dataset '\(other.name)': one contains the other "
            + "(separate folders expected). The same images would have two budgets. Declare one dataset."
        )
      }
      try requirePublic(dataset, in: result)
    }
    return result
  }

  /// Refuses a folder that is declared public and holds images of a dataset or of a hold-out, or synthetic ones.
  private func requirePublic(
    _ dataset: DatasetConfiguration, in all: Configuration
  ) throws(ConfigurationError) {
    guard let folder = dataset.publicImages, let node = publicFolders[dataset.name] else { return }
    let others =
      [("output", all.output), ("state of the daemon", Locations.ofThisProcess().state)]
      + all.datasets.flatMap { other in
        [("root of dataset '\(other.name)'", other.root)]
          + (other.holdOut.map { [("hold_out of dataset '\(other.name)'", $0)] } ?? [])
      }
    for (name, path) in others where WorkingFolder.overlap(folder, path) {
      throw node.error(
        "public_images \(folder) and the \(name), \(path): one contains the other (separate folders expected). "
          + "Public images are learnt from without protection, and nothing is charged for them. Move one of them."
      )
    }
  }

  private mutating func addSocket(_ node: ConfigurationNode) throws(ConfigurationError) {
    var mapping = try node.mapping()
    if let node = mapping.take("path") { configuration.socket.path = try node.absolutePath() }
    if let node = mapping.take("group") { configuration.socket.group = try node.text() }
    if let node = mapping.take("read_group") { configuration.socket.readGroup = try node.text() }
    if let node = mapping.take("mode") {
      let text = try node.text()
      guard let mode = UInt32(text, radix: 8), mode & ~0o666 == 0 else {
        throw node.error("'\(text)' (permissions like \"0660\" expected).")
      }
      configuration.socket.mode = mode
    }
    try mapping.finish()
  }

  /// Reads who may read releases; `usual` provides the defaults.
  private static func release(
    _ node: ConfigurationNode, unless usual: ReleaseConfiguration
  ) throws(ConfigurationError) -> ReleaseConfiguration {
    var mapping = try node.mapping()
    var release = usual
    if let node = mapping.take("group") { release.group = try node.text() }
    if let node = mapping.take("mode") {
      let text = try node.text()
      guard let mode = UInt32(text, radix: 8), isMode(mode) else {
        throw node.error(
          "'\(text)' (permissions of a folder like \"0750\" expected: all rights for the owner, no right to "
            + "write for others, and execute wherever read is set).")
      }
      release.mode = mode
    }
    try mapping.finish()
    return release
  }

  private static func isMode(_ mode: UInt32) -> Bool {
    mode & ~0o777 == 0 && mode & 0o700 == 0o700 && mode & 0o002 == 0
      && (mode & 0o044) >> 2 == mode & 0o011
  }

  private mutating func addDataset(
    _ name: String, _ node: ConfigurationNode
  ) throws(ConfigurationError) {
    // A job's name needs sixteen more characters for its number.
    guard Name.isValid(name), name.utf8.count <= Name.maximumLength - 16 else {
      throw node.error(
        "'\(name)' is not a valid name (up to \(Name.maximumLength - 16) lower-case letters, digits, '.', "
          + "'-', '_' expected).")
    }
    guard origins[name] == nil else {
      throw node.error("declared twice (one declaration of a dataset expected). Drop one.")
    }
    var mapping = try node.mapping()
    let root = try mapping.require("root").absolutePath()
    let (policy, deltaNode) = try Self.policy(mapping.require("policy"))
    var dataset = DatasetConfiguration(name: name, root: root, policy: policy)
    if let node = mapping.take("mode") {
      dataset.mode = try node.choice(of: WatchOptions.Mode.self)
    }
    if let node = mapping.take("settle") {
      dataset.settle = .seconds(try node.positiveNumber())
    }
    if let node = mapping.take("rescan") {
      dataset.rescan = .seconds(try node.positiveNumber())
    }
    if let node = mapping.take("hold_out") {
      let folder = try node.absolutePath()
      guard !WorkingFolder.overlap(folder, dataset.root) else {
        throw node.error(
          "hold_out \(folder) and root \(dataset.root): one contains the other (separate folders "
            + "expected). Held-out images must not be trained on. Move one of them.")
      }
      dataset.holdOut = folder
    }
    if let node = mapping.take("public_images") {
      dataset.publicImages = try node.absolutePath()
      publicFolders[name] = node
    }
    if let node = mapping.take("start_from") {
      dataset.startFrom = try node.absolutePath()
    }
    if let node = mapping.take("classes") {
      let classes = try node.words()
      do { _ = try ClassNames.folders(classes) } catch { throw node.error(error.description) }
      dataset.classes = classes
    }
    if let node = mapping.take("white_level") {
      dataset.whiteLevel = try node.integer(in: ImageTransform.whiteLevels)
    }
    if let node = mapping.take("colour") {
      dataset.colour = try node.choice(of: ImageTransform.Colour.self)
    }
    if let node = mapping.take("columns") { dataset.columns = try node.columns() }
    if let node = mapping.take("person_column") {
      let name = try node.text()
      do { try ColumnDomain.check(personColumn: name) } catch {
        throw node.error(error.description)
      }
      dataset.personColumn = name
      guard dataset.policy.unit == .folder else {
        throw node.error(
          "the unit is a file (unit: folder expected). Drop it, or set 'unit: folder' in the policy."
        )
      }
    }
    if let node = mapping.take("release") {
      _ = try Self.release(node, unless: ReleaseConfiguration())
      releases[name] = node
    }
    if let node = mapping.take("population") {
      let population = try node.integer(in: 1...Int(Int32.max))
      let size = DeltaSize(dataset.policy.delta, units: population)
      if !dataset.policy.allowsLargeDelta, let refusal = size.refusal(dataset: name) {
        throw deltaNode.error("\(refusal) The number is the value of 'population'.")
      }
      dataset.population = population
    }
    try mapping.finish()
    origins[name] = node
    configuration.datasets.append(dataset)
  }

  /// Reads a policy and the node of its delta, which is checked later against the population.
  private static func policy(
    _ node: ConfigurationNode
  ) throws(ConfigurationError) -> (PrivacyPolicy, delta: ConfigurationNode) {
    var mapping = try node.mapping()
    let epsilon = try mapping.require("epsilon_max").positiveNumber()
    let deltaNode = try mapping.require("delta")
    let delta = try deltaNode.positiveNumber()
    guard delta < 1, delta >= PrivacyBudget.smallestDelta else {
      throw deltaNode.error(
        "\(delta) (less than 1 / the number of images, and at least \(PrivacyBudget.smallestDelta), "
          + "expected).")
    }
    var policy = PrivacyPolicy(epsilonMaximum: epsilon, delta: delta)
    if let node = mapping.take("unit") { policy.unit = try node.choice(of: PrivacyUnit.self) }
    if let node = mapping.take("max_per_unit") {
      policy.maximumPerUnit = try node.integer(in: 1...1_000_000)
      guard policy.unit == .folder else {
        throw node.error(
          "the unit is a file (unit: folder expected). Drop it, or set 'unit: folder'.")
      }
    } else if policy.unit == .folder {
      throw node.error(
        "'max_per_unit' is missing (a bound on the files, or rows, of each person expected with unit: folder). "
          + "Add it.")
    }
    if let node = mapping.take("non_private") { policy.allowsNonPrivate = try node.boolean() }
    if let node = mapping.take("allow_large_delta") {
      policy.allowsLargeDelta = try node.boolean()
    }
    try mapping.finish()
    return (policy, deltaNode)
  }

  static func error(_ error: YamlError, in file: String) -> ConfigurationError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      ConfigurationError(file: file, line: mark.line, message: "not YAML: \(problem).")
    case .duplicatedKeysInMapping(let duplicates, let context):
      ConfigurationError(
        file: file, line: context.mark.line,
        message: "key '\(duplicates.joined(separator: ", "))': occurs twice. Drop one.")
    default:
      ConfigurationError(file: file, line: nil, message: "not YAML: \(error.words)")
    }
  }
}
