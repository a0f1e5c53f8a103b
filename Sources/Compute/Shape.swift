/// The extents of a tensor, outermost first, for example batch × height × width × channels.
public struct Shape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The length along each axis.
  public let extents: [Int]

  /// Creates a shape; every extent is zero or more.
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "shape \(extents) has a negative extent")
    self.extents = extents
  }

  /// Creates a shape from its extents, outermost first.
  public init(_ extents: Int...) {
    self.init(extents)
  }

  /// The number of elements, the product of all extents.
  public var count: Int { extents.reduce(1, *) }

  /// The number of axes.
  public var rank: Int { extents.count }

  /// The length along one axis.
  public subscript(axis: Int) -> Int { extents[axis] }

  /// This shape with one more axis in front, for example one example made into a batch.
  public func batched(_ exampleCount: Int) -> Shape {
    Shape([exampleCount] + extents)
  }

  /// The extents joined by "×".
  public var description: String { extents.map(String.init).joined(separator: "×") }
}
