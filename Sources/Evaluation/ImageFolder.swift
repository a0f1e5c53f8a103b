public import Compute
public import Datasets
import Glibc

/// Reads a folder with a sub-folder for each class into memory.
///
/// Unlike a snapshot for training it keeps duplicates: repeated images are a finding about a
/// synthetic set.
public struct ImageFolder {
  /// The folder.
  public let path: String
  private let files: [RelativePath]

  /// Lists the folder.
  ///
  /// - Throws: `DatasetError` if it cannot be listed, `EvaluationError.noImages` if it is empty.
  public init(_ path: String) throws {
    self.path = path
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
  public func transform() throws -> ImageTransform {
    let codec = ImageCodec()
    for file in files {
      let bytes = try read(file)
      let decoded = bytes.withUnsafeBytes { raw in try? codec.decode(raw) }
      guard let image = decoded?.image else { continue }
      return ImageTransform(
        height: image.shape.height, width: image.shape.width,
        channels: image.shape.channels < 3 ? .grey : .rgb)
    }
    throw EvaluationError.noImages(folder: path, fileCount: files.count)
  }

  /// Reads all images in the given form, on the machine's threads.
  ///
  /// - Parameters:
  ///   - classNames: The classes that labels count; other class folders are an error.
  ///   - progress: Called with the share that is done.
  /// - Returns: The images, and how many files were left out because they are no readable images.
  public func load(
    _ transform: ImageTransform, classNames: [String], on machine: Machine,
    progress: (Double) -> Void = { _ in }
  ) throws -> (images: LabelledImages, rejected: Int) {
    guard Set(self.classNames).isSubset(of: Set(classNames)) else {
      throw EvaluationError.classesDiffer(
        folder: path, found: self.classNames, expected: classNames)
    }
    var pixels: [UInt8] = []
    var labels: [Int] = []
    pixels.reserveCapacity(files.count * transform.byteCount)
    let block = 2048
    for start in stride(from: 0, to: files.count, by: block) {
      let part = Array(files[start..<min(files.count, start + block)])
      let decoded = try decode(part, transform, on: machine)
      for (index, file) in part.enumerated() where decoded.isRead[index] {
        let place = index * transform.byteCount
        pixels += decoded.pixels[place..<(place + transform.byteCount)]
        labels.append(classNames.firstIndex(of: Self.className(of: file)) ?? 0)
      }
      progress(Double(start + part.count) / Double(files.count))
    }
    guard !labels.isEmpty else {
      throw EvaluationError.noImages(folder: path, fileCount: files.count)
    }
    let images = LabelledImages(
      shape: Shape(transform.height, transform.width, transform.channelCount),
      classNames: classNames, labels: labels, pixels: pixels)
    return (images, files.count - labels.count)
  }

  /// Decodes a block of files; each thread has its own codec.
  private func decode(
    _ part: [RelativePath], _ transform: ImageTransform, on machine: Machine
  ) throws -> (pixels: [UInt8], isRead: [Bool]) {
    let contents = try part.map(read)
    let codecs = (0..<machine.threads.threadCount).map { _ in ImageCodec() }
    var isRead = [Bool](repeating: false, count: part.count)
    var pixels = [UInt8](repeating: 0, count: part.count * transform.byteCount)
    isRead.withUnsafeMutableBufferPointer { isRead in
      pixels.withUnsafeMutableBufferPointer { pixels in
        nonisolated(unsafe) let isRead = isRead
        nonisolated(unsafe) let pixels = pixels
        machine.threads.forEach(part.count) { index, worker in
          let file = EncodedImages(capacity: contents[index].count)
          contents[index].withUnsafeBytes { file.append($0) }
          let start = index * transform.byteCount
          let place = UnsafeMutableBufferPointer(
            rebasing: pixels[start..<(start + transform.byteCount)])
          let outcomes = codecs[worker].decode(file, with: transform, into: place)
          if case .decoded? = outcomes.first { isRead[index] = true }
        }
      }
    }
    return (pixels, isRead)
  }

  private func read(_ file: RelativePath) throws -> [UInt8] {
    let name = Array(path.utf8) + [UInt8(ascii: "/")] + file.bytes + [0]
    let descriptor = name.withUnsafeBytes { bytes -> Int32 in
      guard let base = bytes.baseAddress else { return -1 }
      return open(base.assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    }
    guard descriptor >= 0 else {
      throw EvaluationError.unreadableFile(path: "\(path)/\(file)", code: errno)
    }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw EvaluationError.unreadableFile(path: "\(path)/\(file)", code: errno)
      }
      if count == 0 { return content }
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
