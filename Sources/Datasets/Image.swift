/// Rows, columns and samples per pixel of an image.
public struct ImageShape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int
  /// Samples per pixel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  public let channels: Int

  /// The shape of a row of a table, which has no pixels.
  public static let noPixels = ImageShape()

  private init() {
    height = 0
    width = 0
    channels = 0
  }

  /// Creates a shape; every extent must be at least 1, with at most 4 channels.
  public init(height: Int, width: Int, channels: Int) {
    precondition(height > 0 && width > 0, "an image has at least one pixel")
    precondition((1...4).contains(channels), "an image has 1 to 4 channels")
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// The number of samples of the whole image.
  public var sampleCount: Int { height * width * channels }

  /// For example `28×28×1`.
  public var description: String { "\(height)×\(width)×\(channels)" }
}

/// A decoded image in memory: rows from the top, channels interleaved, alpha not premultiplied.
public struct Image: Equatable, Sendable {
  /// The samples: height × width × channels.
  public enum Samples: Equatable, Sendable {
    /// 8 bits each.
    case bytes([UInt8])
    /// 16 bits each.
    case words([UInt16])
  }

  /// Rows, columns, channels.
  public let shape: ImageShape
  /// The samples in row order.
  public let samples: Samples

  /// An 8-bit image.
  ///
  /// `bytes` must contain exactly height × width × channels samples.
  public init(shape: ImageShape, bytes: [UInt8]) {
    precondition(bytes.count == shape.sampleCount, "one byte per sample")
    self.shape = shape
    samples = .bytes(bytes)
  }

  /// A 16-bit image.
  ///
  /// `words` must contain exactly height × width × channels samples.
  public init(shape: ImageShape, words: [UInt16]) {
    precondition(words.count == shape.sampleCount, "one word per sample")
    self.shape = shape
    samples = .words(words)
  }

  /// 8 or 16.
  public var bitDepth: Int {
    switch samples {
    case .bytes: 8
    case .words: 16
    }
  }

  /// The samples of an 8-bit image; nil for a 16-bit image.
  public var bytes: [UInt8]? {
    guard case .bytes(let bytes) = samples else { return nil }
    return bytes
  }
}
