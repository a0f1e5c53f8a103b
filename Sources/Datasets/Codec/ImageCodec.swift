internal import CImageCodecs

/// The codec in this process. Keeps its buffers from image to image; one per thread.
///
/// JPEG is decoded with the accurate integer inverse DCT and smooth chroma upsampling, PNG with
/// explicit transforms; colour profiles and gamma are ignored.
public final class ImageCodec: ImageDecoder {
  private let decoder: OpaquePointer
  private let limits: DecodeLimits
  private var transformer = PixelTransformer()

  /// A codec that refuses images beyond `limits`.
  public init(limits: DecodeLimits = .standard) {
    guard let decoder = ci_decoder_create() else { fatalError("no memory for a decoder") }
    self.decoder = decoder
    self.limits = limits
  }

  deinit { ci_decoder_destroy(decoder) }

  /// Decodes one PNG or JPEG file. EXIF orientation is reported, not applied.
  public func decode(
    _ bytes: UnsafeRawBufferPointer
  ) throws(DecodeFailure) -> (image: Image, orientation: Int) {
    let view = try view(of: bytes)
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
  ) -> [DecodeFailure?] {
    precondition(pixels.count >= files.count * transform.byteCount, "room for every file")
    guard let start = pixels.baseAddress else { return [] }
    var outcomes: [DecodeFailure?] = []
    outcomes.reserveCapacity(files.count)
    for index in 0..<files.count {
      let place = start + index * transform.byteCount
      outcomes.append(decode(files[index], with: transform, into: place))
    }
    return outcomes
  }

  private func decode(
    _ bytes: UnsafeRawBufferPointer, with transform: ImageTransform,
    into place: UnsafeMutablePointer<UInt8>
  ) -> DecodeFailure? {
    do throws(DecodeFailure) {
      let view = try view(of: bytes)
      guard transform.accepts(view) else { return .tooSmall }
      transformer.apply(transform, to: view, into: place)
      return nil
    } catch {
      return error
    }
  }

  /// The decoded samples in the decoder's own memory, valid until its next call.
  private func view(of bytes: UnsafeRawBufferPointer) throws(DecodeFailure) -> DecodedImage {
    var image = ci_image()
    var codecLimits = limits.forCodec
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let status = ci_decode(decoder, start, bytes.count, &codecLimits, &image)
    if let failure = DecodeFailure(status) { throw failure }
    guard let samples = image.samples else { throw .corrupt }
    return DecodedImage(
      samples: samples,
      shape: ImageShape(
        height: Int(image.height), width: Int(image.width), channels: Int(image.channels)),
      bitDepth: Int(image.bits), orientation: Int(image.orientation))
  }
}

/// A borrowed view of decoded samples.
struct DecodedImage {
  let samples: UnsafeRawPointer
  let shape: ImageShape
  let bitDepth: Int
  /// EXIF 1...8.
  let orientation: Int

  var bytesPerPixel: Int { shape.channels * bitDepth / 8 }
  var byteCount: Int { shape.height * shape.width * bytesPerPixel }
  /// Whether orientation exchanges rows and columns.
  var isTransposed: Bool { orientation >= 5 }
}
