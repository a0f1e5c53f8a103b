public import Compute

/// What the layers' verbs need of a builder: they append to a table and know the shape so far.
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
  /// Appends a layer that treats every example alone.
  mutating func append(_ layer: any PerExampleLayer)
}

/// Hands out names that no other layer of a network has.
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
