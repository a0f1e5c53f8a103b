public import Compute
public import Datasets

/// The images that a model produces: their size, channels and classes.
public struct ImageSpecification: Hashable, Sendable, Codable {
  /// Rows and columns in pixels.
  public let height: Int, width: Int
  /// One for grey, three for red, green and blue.
  public let channels: Int
  /// The names of the classes, in label order; declared, never derived from the images.
  public let classes: [String]
  /// The columns of the table beside the images; declared, never derived from the data.
  public let columns: [ColumnDomain]

  /// Creates a format.
  public init(
    height: Int, width: Int, channels: Int, classes: [String], columns: [ColumnDomain] = []
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.classes = classes
    self.columns = columns
  }

  /// Whether there are images; otherwise there is a table alone.
  public var hasImages: Bool { height > 0 }

  /// The shape of one image.
  public var shape: Shape { Shape(height, width, channels) }
}

extension ImageSpecification {
  /// What an image model is conditioned on: the class, and the columns.
  var conditions: Conditions {
    Conditions(classCount: max(1, classes.count), columnCodeCounts: columns.map(\.codeCount))
  }
}
