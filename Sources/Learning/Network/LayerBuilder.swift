public import Compute

/// A network builder: layers' methods append to its list of layers and read the current shape.
///
/// Two builders conform: `NetworkBuilder`, whose networks may read private examples, and
/// `PublicNetworkBuilder`, whose networks may not and may therefore mix examples.
public protocol LayerBuilder {
  /// Where the network will run.
  var machine: Machine { get }
  /// Where the layers declare their parameters.
  var parameters: ParameterStore { get }
  /// The shape of one example after the layers so far.
  var shape: Shape { get }
  /// A unique name for the next layer of a kind, such as "convolution2".
  mutating func name(_ kind: String) -> String
  /// Appends a layer that treats every example separately.
  mutating func append(_ layer: any PerExampleLayer)
}

/// Creates names that are unique within a network.
struct LayerNames {
  let prefix: String
  private var counts: [String: Int] = [:]

  init(prefix: String) {
    self.prefix = prefix
  }

  mutating func next(_ kind: String) -> String {
    counts[kind, default: 0] += 1
    return "\(prefix)\(kind)\(counts[kind] ?? 1)"
  }
}
