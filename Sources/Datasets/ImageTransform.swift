/// The conversion of any image to the pixels that a network reads.
///
/// The recipe declares all parameters. Nothing is estimated from the data, because a range, mean or typical
/// size of private images would be an unaccounted release.
///
/// The steps, in order: convert colours to sRGB, apply the orientation, composite alpha over white, scale
/// samples from 0 to the white level, convert colour to grey by ITU-R BT.601 luma if grey is declared, crop
/// around the centre (or stretch), and resize by area. The result is rounded once, at the end.
public struct ImageTransform: Hashable, Sendable, Codable {
  /// The contents of a pixel.
  public enum Channels: String, Hashable, Sendable, Codable {
    /// One sample: 0.299 R + 0.587 G + 0.114 B (BT.601).
    case grey
    /// Three samples.
    case rgb
  }

  /// The treatment of images whose proportions differ from the declared ones.
  public enum Fit: String, Hashable, Sendable, Codable, CaseIterable {
    /// Use the largest centred part with the declared aspect ratio.
    case centreCrop
    /// Use the whole image and change its aspect ratio.
    case stretch
  }

  /// The treatment of colours in a file with an ICC profile.
  public enum Colour: String, Hashable, Sendable, Codable, CaseIterable {
    /// Convert them to sRGB, and grey profiles to grey with the same curve. A file without a profile counts as
    /// sRGB.
    case convert
    /// Use the stored values unchanged.
    case asStored = "as-stored"
  }

  /// Rows of the result.
  public let height: Int
  /// Columns of the result.
  public let width: Int
  /// Samples per pixel of the result.
  public let channels: Channels
  /// How to match the aspect ratio.
  public let fit: Fit
  /// An image is too small if a side would grow by more than this factor.
  public let maximumEnlargement: Int
  /// The sample value that becomes 255, 1...65,535: 4,095 for 12 bits stored in 16.
  ///
  /// Brighter samples become 255, too. Nil, or a level above the largest value of the file's depth, means that
  /// largest value, so a level above 255 does not affect 8-bit files. Images with a declared level are
  /// measurements, so their colours are used as stored.
  public let whiteLevel: Int?
  /// How to treat colours with a profile.
  public let colour: Colour

  /// The levels that can be declared.
  public static let whiteLevels = 1...65_535

  /// The longest side of a result.
  public static let longestSide = 4096

  /// Creates a transform to `height` × `width` pixels.
  public init(
    height: Int, width: Int, channels: Channels, fit: Fit = .centreCrop,
    maximumEnlargement: Int = 4, whiteLevel: Int? = nil, colour: Colour = .convert
  ) {
    precondition(
      (1...Self.longestSide).contains(height) && (1...Self.longestSide).contains(width),
      "sides of 1...4096")
    precondition((1...4096).contains(maximumEnlargement), "factors of 1...4096")
    precondition(whiteLevel.map(Self.whiteLevels.contains) ?? true, "levels of 1...65,535")
    self.whiteLevel = whiteLevel
    self.colour = colour
    self.height = height
    self.width = width
    self.channels = channels
    self.fit = fit
    self.maximumEnlargement = maximumEnlargement
  }

  /// The transform of rows of a table, which have no pixels: it accepts no image.
  public static let noPixels = ImageTransform()

  private init() {
    height = 0
    width = 0
    channels = .grey
    fit = .centreCrop
    maximumEnlargement = 1
    whiteLevel = nil
    colour = .asStored
  }

  /// Whether results have pixels.
  public var hasPixels: Bool { height > 0 }

  /// Creates the transform of a recipe; `shape` must have 1 channel (grey) or 3 (RGB).
  public init(to shape: ImageShape, fit: Fit = .centreCrop) {
    precondition(shape.channels == 1 || shape.channels == 3, "grey or RGB")
    self.init(
      height: shape.height, width: shape.width, channels: shape.channels == 1 ? .grey : .rgb,
      fit: fit)
  }

  /// The transform for inspections: it accepts images of any size and records the size, so that each recipe
  /// can decide.
  public static let inspection = ImageTransform(
    height: 32, width: 32, channels: .grey, maximumEnlargement: 32)

  /// The same with the declarations in `rules`: white level and colours.
  ///
  /// Declarations of this transform take precedence over the rules.
  public func under(_ rules: DatasetRules) -> ImageTransform {
    guard hasPixels else { return self }
    return ImageTransform(
      height: height, width: width, channels: channels, fit: fit,
      maximumEnlargement: maximumEnlargement, whiteLevel: whiteLevel ?? rules.whiteLevel,
      colour: colour == .convert ? rules.colour : colour)
  }

  /// Whether an image of this upright size is large enough.
  public func accepts(height: Int, width: Int) -> Bool {
    guard hasPixels else { return false }
    let window = CropWindow(height: height, width: width, for: self)
    return window.height * maximumEnlargement >= self.height
      && window.width * maximumEnlargement >= self.width
  }

  /// Whether an image of this upright size is enlarged by more than a quarter.
  public func enlargesMuch(height: Int, width: Int) -> Bool {
    guard hasPixels else { return false }
    let window = CropWindow(height: height, width: width, for: self)
    return 5 * window.height < 4 * self.height || 5 * window.width < 4 * self.width
  }

  /// 1 or 3; 0 without pixels.
  public var channelCount: Int { hasPixels ? channels == .grey ? 1 : 3 : 0 }

  /// Shape of the result.
  public var shape: ImageShape {
    guard hasPixels else { return .noPixels }
    return ImageShape(height: height, width: width, channels: channelCount)
  }

  /// Bytes of one result: height × width × channels, one byte each.
  public var byteCount: Int { height * width * channelCount }

  /// Converts one image to height × width × channels pixels; returns nil if it is too small.
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
    accepts(height: image.uprightHeight, width: image.uprightWidth)
  }
}

extension ImageTransform {
  private enum CodingKeys: String, CodingKey {
    case height, width, channels, fit, maximumEnlargement, whiteLevel, colour
  }

  /// Reads the output of `encode`, including that of earlier versions, which declared neither white level nor
  /// colours.
  ///
  /// - Throws: `DecodingError` if a number is out of range.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if try container.decode(Int.self, forKey: .height) == 0,
      try container.decode(Int.self, forKey: .width) == 0
    {
      self = .noPixels
      return
    }
    func number(_ key: CodingKeys, in range: ClosedRange<Int>) throws -> Int? {
      guard let number = try container.decodeIfPresent(Int.self, forKey: key) else { return nil }
      guard range.contains(number) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "\(number) is not in \(range)")
      }
      return number
    }
    func required(_ key: CodingKeys) throws -> Int {
      guard let number = try number(key, in: 1...4096) else {
        throw DecodingError.keyNotFound(
          key, .init(codingPath: container.codingPath, debugDescription: "a number is missing"))
      }
      return number
    }
    self.init(
      height: try required(.height), width: try required(.width),
      channels: try container.decode(Channels.self, forKey: .channels),
      fit: try container.decode(Fit.self, forKey: .fit),
      maximumEnlargement: try required(.maximumEnlargement),
      whiteLevel: try number(.whiteLevel, in: Self.whiteLevels),
      colour: try container.decodeIfPresent(Colour.self, forKey: .colour) ?? .asStored)
  }
}

extension ImageTransform: CustomStringConvertible {
  /// Canonical text; part of the digest of a snapshot.
  public var description: String {
    "\(height)×\(width) \(channels.rawValue), \(fit.rawValue), by area, "
      + "enlarged at most \(maximumEnlargement) times"
      + (whiteLevel.map { ", white at \($0)" } ?? "")
      + (colour == .convert ? ", in sRGB" : "")
  }
}

/// The part of an upright image to be resized.
struct CropWindow: Equatable {
  let top: Int
  let left: Int
  let height: Int
  let width: Int

  /// The window of `image` after its orientation is applied.
  init(of image: DecodedImage, for transform: ImageTransform) {
    self.init(height: image.uprightHeight, width: image.uprightWidth, for: transform)
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
