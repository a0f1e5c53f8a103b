internal import CImageCodecs

/// Limits on one image, checked against its header before any memory is allocated.
public struct DecodeLimits: Hashable, Sendable {
  /// Width × height.
  public var pixels: Int
  /// The maximum of width and height.
  public var side: Int
  /// Passes of a progressive JPEG; real files have about ten.
  public var scans: Int
  /// Passes × pixels of a progressive JPEG, which bounds the decoding time.
  public var scanPixels: Int
  /// The size of the encoded file.
  public var fileBytes: Int
  /// Memory for samples, and for the coefficients of a progressive JPEG.
  public var memoryBytes: Int

  /// 64 megapixels, 16,384 pixels per side, 64 MiB per file, 512 MiB of memory.
  public static let standard = DecodeLimits(
    pixels: 64 << 20, side: 16_384, scans: 100, scanPixels: 640 << 20, fileBytes: 64 << 20,
    memoryBytes: 512 << 20)

  /// Creates limits; each must be at least 1.
  public init(
    pixels: Int, side: Int, scans: Int, scanPixels: Int, fileBytes: Int, memoryBytes: Int
  ) {
    self.pixels = pixels
    self.side = side
    self.scans = scans
    self.scanPixels = scanPixels
    self.fileBytes = fileBytes
    self.memoryBytes = memoryBytes
  }

  func forCodec(_ colour: ImageTransform.Colour) -> ci_limits {
    ci_limits(
      pixels: UInt64(pixels), side: UInt32(side), scans: UInt32(scans),
      scan_pixels: UInt64(scanPixels), file_bytes: UInt64(fileBytes),
      memory_bytes: UInt64(memoryBytes),
      colour: (colour == .convert ? CI_COLOUR_SRGB : CI_COLOUR_AS_STORED).rawValue)
  }
}
