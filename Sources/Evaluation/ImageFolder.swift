public import Compute
public import Datasets
import Glibc
import Synchronization

/// Reads a folder with a sub-folder for each class into memory.
///
/// Unlike a snapshot for training, it keeps duplicates, because repeated images are a finding about a
/// synthetic set.
public struct ImageFolder {
  /// The folder.
  public let path: String
  private let files: [RelativePath]
  private let makeDecoder: @Sendable () throws -> any ImageDecoder

  /// The maximum size of a set in memory, in bytes, after conversion to one form.
  private static let largestSet = 16 << 30
  /// The maximum number of files in a block, and of bytes, that are read before they are decoded together.
  private static let filesPerBlock = 2048
  private static let bytesPerBlock = 64 << 20

  /// Lists the folder.
  ///
  /// - Parameter makeDecoder: creates the decoder of one thread. Unless the files are trusted, pass a decoder
  ///   whose crash does not end this process.
  /// - Throws: `DatasetError` if it cannot be listed, `EvaluationError.noImages` if it is empty.
  public init(
    _ path: String,
    makeDecoder: @escaping @Sendable () throws -> any ImageDecoder = { ImageCodec() }
  ) throws {
    self.path = path
    self.makeDecoder = makeDecoder
    files = try FolderScan(root: path).files
    guard !files.isEmpty else { throw EvaluationError.noImages(folder: path, fileCount: 0) }
  }

  /// The files found.
  public var fileCount: Int { files.count }

  /// The class folders, sorted; one class "all" if the images are in the folder itself.
  public var classNames: [String] {
    Set(files.map(Self.className)).sorted()
  }

  /// The form of the first readable image; all sets are converted to it.
  ///
  /// - Throws: `EvaluationError` if no file is an image, or if the first image is larger than the limit for
  ///   images of a set.
  public func transform() throws -> ImageTransform {
    let decoder = try makeDecoder()
    for file in files {
      guard let bytes = try read(file),
        let (height, width) = try size(of: bytes, with: decoder)
      else { continue }
      let limit = ImageTransform.longestSide
      guard height <= limit, width <= limit else {
        throw EvaluationError.imageTooLarge(
          path: "\(path)/\(file)", height: height, width: width, limit: limit)
      }
      let colour = ImageTransform(height: height, width: width, channels: .rgb)
      let isGrey = try StoredColour.isGrey(bytes) ?? hasNoColour(bytes, colour, decoder)
      return ImageTransform(height: height, width: width, channels: isGrey ? .grey : .rgb)
    }
    throw EvaluationError.noImages(folder: path, fileCount: files.count)
  }

  private func size(of bytes: [UInt8], with decoder: any ImageDecoder) throws -> (Int, Int)? {
    // An image of any size becomes one pixel, if it is an image at all.
    let point = ImageTransform(height: 1, width: 1, channels: .rgb)
    guard case .decoded(let height, let width, _)? = try decode(bytes, point, decoder).outcome
    else { return nil }
    return (height, width)
  }

  /// Whether all pixels are grey, for an image whose file does not declare this.
  private func hasNoColour(
    _ bytes: [UInt8], _ form: ImageTransform, _ decoder: any ImageDecoder
  ) throws -> Bool {
    let pixels = try decode(bytes, form, decoder).pixels
    for place in stride(from: 0, to: pixels.count, by: 3) {
      let red = pixels[place]
      if pixels[place + 1] != red || pixels[place + 2] != red { return false }
    }
    return true
  }

  private func decode(
    _ bytes: [UInt8], _ form: ImageTransform, _ decoder: any ImageDecoder
  ) throws -> (outcome: DecodeOutcome?, pixels: [UInt8]) {
    let file = EncodedImages(capacity: bytes.count)
    bytes.withUnsafeBytes { file.append($0) }
    var pixels = [UInt8](repeating: 0, count: form.byteCount)
    let outcomes = try pixels.withUnsafeMutableBufferPointer {
      try decoder.decode(file, with: form, into: $0)
    }
    return (outcomes.first, pixels)
  }

  /// Reads all images in the given form, on the machine's threads, with what a private teacher thinks of them
  /// if `metadata.jsonl` beside the folder states it.
  ///
  /// - Parameters:
  ///   - classNames: The classes that labels count; other class folders are an error.
  ///   - progress: Called with the completed share.
  /// - Returns: The images, the number of files that are not readable images, and the paths of the images below
  ///   the folder, in the order of the images.
  public func load(
    _ transform: ImageTransform, classNames: [String], on machine: Machine,
    progress: (Double) -> Void = { _ in }
  ) throws -> (images: LabelledImages, rejected: Int, files: [RelativePath]) {
    guard Set(self.classNames).isSubset(of: Set(classNames)) else {
      throw EvaluationError.classesDiffer(
        folder: path, found: self.classNames, expected: classNames)
    }
    guard files.count <= Self.largestSet / transform.byteCount else {
      throw EvaluationError.setTooLarge(
        folder: path, fileCount: files.count, expected: Self.largestSet / transform.byteCount)
    }
    let decoders = try (0..<machine.threads.threadCount).map { _ in try makeDecoder() }
    var pixels: [UInt8] = []
    var labels: [Int] = []
    var read: [RelativePath] = []
    pixels.reserveCapacity(files.count * transform.byteCount)
    var start = 0
    while start < files.count {
      let contents = try block(from: start)
      let decoded = try decode(contents, transform, decoders, on: machine)
      for index in contents.indices where decoded.isRead[index] {
        let place = index * transform.byteCount
        pixels += decoded.pixels[place..<(place + transform.byteCount)]
        labels.append(classNames.firstIndex(of: Self.className(of: files[start + index])) ?? 0)
        read.append(files[start + index])
      }
      start += contents.count
      progress(Double(start) / Double(files.count))
    }
    guard !labels.isEmpty else {
      throw EvaluationError.noImages(folder: path, fileCount: files.count)
    }
    let images = LabelledImages(
      shape: Shape(transform.height, transform.width, transform.channelCount),
      classNames: classNames, labels: labels, pixels: pixels,
      teacherProbabilities: try TeacherLabels(besideImagesIn: path, classNames: classNames)?
        .probabilities(of: read))
    return (images, files.count - labels.count, read)
  }

  /// The contents of some files; empty for a file that cannot be an image.
  private func block(from start: Int) throws -> [[UInt8]] {
    var (contents, byteCount): ([[UInt8]], Int) = ([], 0)
    for file in files[start...].prefix(Self.filesPerBlock) where byteCount < Self.bytesPerBlock {
      let content = try read(file) ?? []
      byteCount += content.count
      contents.append(content)
    }
    return contents
  }

  /// Decodes a block of files; each thread has its own decoder.
  private func decode(
    _ contents: [[UInt8]], _ transform: ImageTransform, _ decoders: [any ImageDecoder],
    on machine: Machine
  ) throws -> (pixels: [UInt8], isRead: [Bool]) {
    var isRead = [Bool](repeating: false, count: contents.count)
    var pixels = [UInt8](repeating: 0, count: contents.count * transform.byteCount)
    let failure = Mutex<(any Error)?>(nil)
    isRead.withUnsafeMutableBufferPointer { isRead in
      pixels.withUnsafeMutableBufferPointer { pixels in
        nonisolated(unsafe) let isRead = isRead
        nonisolated(unsafe) let pixels = pixels
        nonisolated(unsafe) let decoders = decoders
        machine.threads.forEach(contents.count) { index, worker in
          guard !contents[index].isEmpty, failure.withLock({ $0 == nil }) else { return }
          let file = EncodedImages(capacity: contents[index].count)
          contents[index].withUnsafeBytes { file.append($0) }
          let start = index * transform.byteCount
          let place = UnsafeMutableBufferPointer(
            rebasing: pixels[start..<(start + transform.byteCount)])
          do {
            let outcomes = try decoders[worker].decode(file, with: transform, into: place)
            if case .decoded? = outcomes.first { isRead[index] = true }
          } catch {
            failure.withLock { $0 = $0 ?? error }
          }
        }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
    return (pixels, isRead)
  }

  /// The bytes of a file; nil if it is not a regular file or is larger than the limit for images.
  private func read(_ file: RelativePath) throws -> [UInt8]? {
    let name = Array(path.utf8) + [UInt8(ascii: "/")] + file.bytes + [0]
    let descriptor = name.withUnsafeBytes { bytes -> Int32 in
      guard let base = bytes.baseAddress else { return -1 }
      return open(
        base.assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    }
    guard descriptor >= 0 else {
      throw EvaluationError.unreadableFile(path: "\(path)/\(file)", code: errno)
    }
    defer { close(descriptor) }
    let limit = DecodeLimits.standard.fileBytes
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
      information.st_size <= limit
    else { return nil }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw EvaluationError.unreadableFile(path: "\(path)/\(file)", code: errno)
      }
      if count == 0 { return content }
      guard content.count + count <= limit else { return nil }
      content += buffer[0..<count]
    }
  }

  private static func className(of file: RelativePath) -> String {
    let components = file.components
    guard components.count > 1, let first = components.first else {
      return DatasetRules.singleClass
    }
    return String(decoding: first, as: UTF8.self)
  }
}
