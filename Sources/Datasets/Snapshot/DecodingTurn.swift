/// A batch of files for one decoder: read one after another, decoded together.
struct DecodingTurn {
  /// The findings so far, with the numbers of their files.
  var findings: [(Int, InspectedFile)] = []

  private let transform: ImageTransform
  private let files = EncodedImages()
  private let pixels: PixelBuffer
  private var pending: [(Int, InspectedFile)] = []

  /// Creates a turn of at most `capacity` files.
  init(capacity: Int, transform: ImageTransform) {
    self.transform = transform
    pixels = PixelBuffer(count: transform.byteCount * capacity)
  }

  /// The number of encoded bytes that wait to be decoded.
  var byteCount: Int { files.byteCount }

  /// Reads and hashes file number `index`; skips decoding if an earlier inspection decoded the same bytes
  /// under this name (`known`).
  mutating func read(
    _ index: Int, _ path: RelativePath, _ reader: FileReader, known: InspectedFile?
  ) {
    var finding = reader.read(path, into: files)
    guard finding.verdict == .accepted else {
      findings.append((index, finding))
      return
    }
    finding.contentHash = ContentHash(of: files[files.count - 1])
    if let known, known.contentHash == finding.contentHash, var earlier = known.asRead {
      earlier.signature = finding.signature
      findings.append((index, earlier))
      files.removeLast()
      return
    }
    pending.append((index, finding))
  }

  /// Decodes the files that were read; the pixels of file number n go to slot n of `packer`.
  mutating func decode(_ decoder: any ImageDecoder, into packer: SnapshotPacker?) throws {
    guard files.count > 0 else { return }
    let outcomes = try decoder.decode(files, with: transform, into: pixels.all)
    for place in 0..<files.count {
      var (index, finding) = pending[place]
      switch outcomes[place] {
      case .decoded(let height, let width, let remarks):
        finding.height = height
        finding.width = width
        finding.remarks = remarks
        let start = pixels.start + place * transform.byteCount
        finding.brightest = UnsafeBufferPointer(start: start, count: transform.byteCount)
          .reduce(0) { max($0, Int($1)) }
        packer?.store(start, inSlot: index)
      case .failed(let failure):
        finding.verdict = ImageVerdict(failure, head: files[place])
      }
      findings.append((index, finding))
    }
    files.removeAll()
    pending.removeAll(keepingCapacity: true)
  }

  /// Memory for the pixels of one turn.
  private final class PixelBuffer {
    let start: UnsafeMutablePointer<UInt8>
    let all: UnsafeMutableBufferPointer<UInt8>

    init(count: Int) {
      start = .allocate(capacity: count)
      all = UnsafeMutableBufferPointer(start: start, count: count)
    }

    deinit { start.deallocate() }
  }
}
