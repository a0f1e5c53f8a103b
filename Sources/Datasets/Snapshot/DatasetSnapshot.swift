internal import FoundationEssentials
import Glibc

/// The immutable set of images that one run trains on: packed pixels on disk, mapped read-only.
///
/// The guarantee depends on its membership, so nothing can be added; later files belong to the next snapshot.
public final class DatasetSnapshot: Sendable {
  /// Class names in label order.
  public let classes: [String]
  /// The transform of the images; `.noPixels` for rows of a table.
  public let transform: ImageTransform
  /// The declared columns, in the order of the codes; empty without attributes.
  public let columns: [ColumnDomain]
  /// The unit of privacy of the guarantee.
  public let privacyUnit: PrivacyUnit
  /// The number of images.
  ///
  /// Private: never part of a release.
  public let count: Int
  /// The number of units of privacy; `count` if the unit is a file.
  ///
  /// Private as well.
  public let unitCount: Int
  /// The digest of the set: equal for the same images, classes, persons, transform, columns and codes.
  public let digest: ContentHash
  /// The packed file.
  public let path: String

  private let file: MappedFile
  private let header: SnapshotHeader

  /// Opens a packed file and checks all of its content, including the checksum.
  ///
  /// - Throws: `DatasetError.snapshotDamaged`, `.snapshotTooNew`, `.systemCallFailed`.
  public convenience init(opening path: String) throws {
    try self.init(opening: path, isChecksumKnown: false)
  }

  /// Opens a packed file; `isChecksumKnown` avoids a second pass over a file that was just written.
  init(opening path: String, isChecksumKnown: Bool) throws {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw DatasetError.lastCall("opening", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw DatasetError.lastCall("reading", path) }
    guard status.isRegularFile, status.st_size >= SnapshotLayout.headerSize else {
      throw DatasetError.snapshotDamaged(
        path: path, finding: "\(status.st_size) bytes, less than a header")
    }
    file = try MappedFile(
      descriptor: descriptor, size: Int(status.st_size), isWritable: false, path: path)
    header = try SnapshotHeader(reading: file.bytes, path: path)
    guard isChecksumKnown || Self.hasMatchingChecksum(file.bytes) else {
      throw DatasetError.snapshotDamaged(path: path, finding: "its checksum does not match")
    }
    let json = file.bytes[header.descriptionOffset..<header.fileSize]
    guard
      let description = try? JSONDecoder().decode(SnapshotDescription.self, from: Data(json)),
      description.classes.count == header.classCount, description.transform.shape == header.shape,
      (description.columns ?? []).count == header.columnCount,
      (try? ColumnDomain.check(description.columns ?? [])) != nil,
      (1...4096).contains(description.transform.maximumEnlargement),
      description.transform.whiteLevel.map(ImageTransform.whiteLevels.contains) ?? true
    else {
      throw DatasetError.snapshotDamaged(path: path, finding: "its description is not readable")
    }
    self.path = path
    classes = description.classes
    transform = description.transform
    columns = description.columns ?? []
    privacyUnit = header.unit
    count = header.count
    unitCount = header.unitCount
    digest = header.digest
    guard (0..<count).allSatisfy({ label(of: $0) < classes.count && unit(of: $0) < unitCount })
    else {
      throw DatasetError.snapshotDamaged(path: path, finding: "a label or unit is out of range")
    }
    let codeCounts = columns.map(\.codeCount)
    guard
      (0..<count).allSatisfy({ zip(codes(of: $0), codeCounts).allSatisfy { Int($0) < $1 } })
    else {
      throw DatasetError.snapshotDamaged(path: path, finding: "a code is out of range")
    }
  }

  /// Height, width, channels of every image.
  public var shape: ImageShape { header.shape }

  /// The pixels of one image: height × width × channels, valid as long as the snapshot lives.
  public func pixels(of index: Int) -> UnsafeBufferPointer<UInt8> {
    precondition((0..<count).contains(index), "images are numbered from 0")
    let size = header.shape.sampleCount
    let start = header.pixelsOffset + index * size
    return UnsafeRawBufferPointer(rebasing: file.bytes[start..<(start + size)])
      .assumingMemoryBound(to: UInt8.self)
  }

  /// The codes of one image or row, one per column, valid as long as the snapshot lives.
  public func codes(of index: Int) -> UnsafeBufferPointer<UInt8> {
    precondition((0..<count).contains(index), "images are numbered from 0")
    let start = header.codesOffset + index * header.columnCount
    return UnsafeRawBufferPointer(rebasing: file.bytes[start..<(start + header.columnCount)])
      .assumingMemoryBound(to: UInt8.self)
  }

  /// The class of one image, an index into `classes`.
  public func label(of index: Int) -> Int { number(at: header.labelsOffset, index) }

  /// The unit of privacy of one image, 0 ..< `unitCount`.
  public func unit(of index: Int) -> Int { number(at: header.unitsOffset, index) }

  /// SHA-256 of the file that the image came from; of its codes for a row of a table.
  public func contentHash(of index: Int) -> ContentHash {
    precondition((0..<count).contains(index), "images are numbered from 0")
    let start = header.hashesOffset + index * ContentHash.byteCount
    let bytes = UnsafeRawBufferPointer(
      rebasing: file.bytes[start..<(start + ContentHash.byteCount)])
    guard let hash = ContentHash(bytes: bytes) else { preconditionFailure("32 bytes") }
    return hash
  }

  /// One image.
  public func image(_ index: Int) -> Image { Image(shape: shape, bytes: Array(pixels(of: index))) }

  /// Images per class, in label order.
  ///
  /// Private: never part of a release.
  public func countsByClass() -> [Int] {
    (0..<count).reduce(into: [Int](repeating: 0, count: classes.count)) { counts, index in
      counts[label(of: index)] += 1
    }
  }

  /// The declared classes without an image, in label order.
  ///
  /// A model cannot learn anything about them. Private: never part of a release.
  public var classesWithoutImage: [String] {
    zip(classes, countsByClass()).filter { $1 == 0 }.map(\.0)
  }

  /// The images of each unit of privacy, in unit order.
  public func imagesByUnit() -> [[Int32]] {
    (0..<count).reduce(into: [[Int32]](repeating: [], count: unitCount)) { units, index in
      units[unit(of: index)].append(Int32(index))
    }
  }

  private func number(at offset: Int, _ index: Int) -> Int {
    precondition((0..<count).contains(index), "images are numbered from 0")
    let value = file.bytes.loadUnaligned(fromByteOffset: offset + index * 4, as: UInt32.self)
    return Int(UInt32(littleEndian: value))
  }

  private static func hasMatchingChecksum(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let place = SnapshotLayout.checksumOffset
    let stored = bytes[place..<(place + ContentHash.byteCount)]
    return checksum(of: bytes).withUnsafeBytes { $0.elementsEqual(stored) }
  }

  /// SHA-256 of a packed file, its checksum field taken as zero.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> ContentHash {
    let function = SHA256()
    let zeros = [UInt8](repeating: 0, count: ContentHash.byteCount)
    func add(_ range: Range<Int>) {
      function.update(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
    add(0..<SnapshotLayout.checksumOffset)
    function.update(zeros)
    add((SnapshotLayout.checksumOffset + ContentHash.byteCount)..<bytes.count)
    return function.finish()
  }
}
