/// How any image becomes the pixels that a network reads.
///
/// Everything is declared by the recipe; nothing is estimated from the data, because a range, mean
/// or typical size taken from private images would be an unaccounted release.
///
/// In order: EXIF orientation is applied, alpha is laid over white, 16-bit samples are scaled over
/// their full range, colour becomes grey by ITU-R BT.601 luma where grey is declared, the image is
/// cropped around its centre (or stretched), and resized by area. One rounding, at the end.
public struct ImageTransform: Hashable, Sendable, Codable {
  /// What a pixel holds.
  public enum Channels: String, Hashable, Sendable, Codable {
    /// One sample: 0.299 R + 0.587 G + 0.114 B (BT.601).
    case grey
    /// Three samples.
    case rgb
  }

  /// What happens when the proportions differ from the declared ones.
  public enum Fit: String, Hashable, Sendable, Codable {
    /// The largest centred part of the right proportions.
    case centreCrop
    /// The whole image, its proportions changed.
    case stretch
  }

  /// Rows of the result.
  public let height: Int
  /// Columns of the result.
  public let width: Int
  /// Samples per pixel of the result.
  public let channels: Channels
  /// How proportions are brought in line.
  public let fit: Fit
  /// An image is too small when a side would grow by more than this factor.
  public let maximumEnlargement: Int

  /// A transform to `height` × `width` pixels.
  public init(
    height: Int, width: Int, channels: Channels, fit: Fit = .centreCrop,
    maximumEnlargement: Int = 4
  ) {
    precondition((1...4096).contains(height) && (1...4096).contains(width), "sides of 1...4096")
    precondition((1...4096).contains(maximumEnlargement), "factors of 1...4096")
    self.height = height
    self.width = width
    self.channels = channels
    self.fit = fit
    self.maximumEnlargement = maximumEnlargement
  }

  /// A transform to the form of a recipe: `shape` has 1 channel (grey) or 3 (RGB).
  public init(to shape: ImageShape, fit: Fit = .centreCrop) {
    precondition(shape.channels == 1 || shape.channels == 3, "grey or RGB")
    self.init(
      height: shape.height, width: shape.width, channels: shape.channels == 1 ? .grey : .rgb,
      fit: fit)
  }

  /// 1 or 3.
  public var channelCount: Int { channels == .grey ? 1 : 3 }

  /// Shape of the result.
  public var shape: ImageShape {
    ImageShape(height: height, width: width, channels: channelCount)
  }

  /// Bytes of one result: height × width × channels, one byte each.
  public var byteCount: Int { height * width * channelCount }

  /// The pixels of one image: height × width × channels; nil when it is too small.
  public func pixels(of image: Image, orientation: Int = 1) -> [UInt8]? {
    precondition((1...8).contains(orientation), "EXIF orientations are 1...8")
    func apply(_ samples: UnsafeRawBufferPointer) -> [UInt8]? {
      guard let start = samples.baseAddress else { return nil }
      let view = DecodedImage(
        samples: start, shape: image.shape, bitDepth: image.bitDepth, orientation: orientation)
      guard accepts(view) else { return nil }
      var transformer = PixelTransformer()
      return Array(unsafeUninitializedCapacity: byteCount) { result, count in
        guard let place = result.baseAddress else { return }
        transformer.apply(self, to: view, into: place)
        count = byteCount
      }
    }
    switch image.samples {
    case .bytes(let bytes): return bytes.withUnsafeBytes(apply)
    case .words(let words): return words.withUnsafeBytes(apply)
    }
  }

  /// Whether no side must grow by more than `maximumEnlargement`.
  func accepts(_ image: DecodedImage) -> Bool {
    let window = CropWindow(of: image, for: self)
    return window.height * maximumEnlargement >= height
      && window.width * maximumEnlargement >= width
  }
}

extension ImageTransform: CustomStringConvertible {
  /// Canonical text; part of the digest of a snapshot.
  public var description: String {
    "\(height)×\(width) \(channels.rawValue), \(fit.rawValue), by area, "
      + "enlarged at most \(maximumEnlargement) times"
  }
}

/// The part of an upright image that is resized.
struct CropWindow: Equatable {
  let top: Int
  let left: Int
  let height: Int
  let width: Int

  /// The window of `image` after its orientation is applied.
  init(of image: DecodedImage, for transform: ImageTransform) {
    let shape = image.shape
    self.init(
      height: image.isTransposed ? shape.width : shape.height,
      width: image.isTransposed ? shape.height : shape.width, for: transform)
  }

  /// The window of an upright image of `height` × `width` pixels.
  init(height: Int, width: Int, for transform: ImageTransform) {
    var cropHeight = height
    var cropWidth = width
    if transform.fit == .centreCrop {
      if width * transform.height > height * transform.width {
        cropWidth = max(1, (height * transform.width + transform.height / 2) / transform.height)
      } else {
        cropHeight = max(1, (width * transform.height + transform.width / 2) / transform.width)
      }
    }
    self.height = min(cropHeight, height)
    self.width = min(cropWidth, width)
    top = (height - self.height) / 2
    left = (width - self.width) / 2
  }
}
