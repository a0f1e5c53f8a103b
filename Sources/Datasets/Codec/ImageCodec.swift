internal import CImageCodecs

/// The codec in this process.
///
/// It reuses its buffers; use one per thread.
///
/// JPEG is decoded with the accurate integer inverse DCT and smooth chroma upsampling, PNG with
/// explicit transforms. Colours with an ICC profile are converted to sRGB unless the caller
/// requests otherwise; a gamma chunk beside a profile is ignored. Of TIFF, WebP and PNM files with
/// several images, the first one is used.
public final class ImageCodec: ImageDecoder {
  private let decoder: OpaquePointer
  private let limits: DecodeLimits
  private var transformer = PixelTransformer()

  /// Creates a codec that refuses images beyond `limits`.
  public init(limits: DecodeLimits = .standard) {
    guard let decoder = ci_decoder_create() else { fatalError("no memory for a decoder") }
    self.decoder = decoder
    self.limits = limits
  }

  deinit { ci_decoder_destroy(decoder) }

  /// Decodes one file: PNG, JPEG, TIFF, WebP, BMP or PNM.
  ///
  /// The orientation in EXIF or XMP is reported, not applied.
  public func decode(
    _ bytes: UnsafeRawBufferPointer, colour: ImageTransform.Colour = .convert
  ) throws(DecodeFailure) -> (image: Image, orientation: Int) {
    let view = try view(of: bytes, colour)
    let samples = UnsafeRawBufferPointer(start: view.samples, count: view.byteCount)
    let image =
      view.bitDepth == 8
      ? Image(shape: view.shape, bytes: Array(samples))
      : Image(shape: view.shape, words: Array(samples.bindMemory(to: UInt16.self)))
    return (image, view.orientation)
  }

  /// Decodes every file of the batch; never throws.
  public func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) -> [DecodeOutcome] {
    precondition(pixels.count >= files.count * transform.byteCount, "room for every file")
    return (0..<files.count).map { index in
      let start = index * transform.byteCount
      let place = UnsafeMutableBufferPointer(
        rebasing: pixels[start..<(start + transform.byteCount)])
      return decode(files[index], with: transform, into: place)
    }
  }

  /// Decodes one file into `place`, transform.byteCount bytes.
  func decode(
    _ bytes: UnsafeRawBufferPointer, with transform: ImageTransform,
    into place: UnsafeMutableBufferPointer<UInt8>
  ) -> DecodeOutcome {
    guard let start = place.baseAddress else { preconditionFailure("an image has pixels") }
    do throws(DecodeFailure) {
      let view = try view(of: bytes, transform.whiteLevel == nil ? transform.colour : .asStored)
      guard transform.accepts(view) else { return .failed(.tooSmall) }
      transformer.apply(transform, to: view, into: start)
      return .decoded(
        height: view.uprightHeight, width: view.uprightWidth, remarks: view.remarks)
    } catch {
      return .failed(error)
    }
  }

  /// The decoded samples in the decoder's own memory, valid until its next call.
  private func view(
    of bytes: UnsafeRawBufferPointer, _ colour: ImageTransform.Colour
  ) throws(DecodeFailure) -> DecodedImage {
    var image = ci_image()
    var codecLimits = limits.forCodec(colour)
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let status = ci_decode(decoder, start, bytes.count, &codecLimits, &image)
    if let failure = DecodeFailure(status) { throw failure }
    guard let samples = image.samples else { throw .corrupt }
    return DecodedImage(
      samples: samples,
      shape: ImageShape(
        height: Int(image.height), width: Int(image.width), channels: Int(image.channels)),
      bitDepth: Int(image.bits), orientation: Int(image.orientation),
      remarks: image.has_more == 0 ? [] : .furtherPages)
  }
}

/// A borrowed view of decoded samples.
struct DecodedImage {
  let samples: UnsafeRawPointer
  let shape: ImageShape
  let bitDepth: Int
  /// EXIF 1...8.
  let orientation: Int
  var remarks: DecodeRemarks = []

  var bytesPerPixel: Int { shape.channels * bitDepth / 8 }
  var byteCount: Int { shape.height * shape.width * bytesPerPixel }
  /// 255 or 65,535.
  var largestSample: Int { bitDepth == 8 ? 255 : 65_535 }
  /// Whether orientation exchanges rows and columns.
  var isTransposed: Bool { orientation >= 5 }
  /// Rows once the orientation is applied.
  var uprightHeight: Int { isTransposed ? shape.width : shape.height }
  /// Columns once the orientation is applied.
  var uprightWidth: Int { isTransposed ? shape.height : shape.width }
}
