/// The layout of a packed file.
///
/// All numbers are little-endian.
///
/// ```
/// offset  size
///      0     8  magic "FIGSNAP\0"
///      8     4  version
///     12     4  height    16  4  width    20  4  channels
///     24     4  class count
///     28     4  unit of privacy: 0 file, 1 folder
///     32     8  count: images
///     40     8  unit count
///     48     8  description: bytes of the JSON at the end
///     56     8  length of the whole file
///     64    32  digest of the set (order-free; see SnapshotDigest)
///     96    32  SHA-256 of header (with this field zero), then of all that follows the header
///    128     4  column count (from version 2 on; before, no columns)
///   4096        pixels: count × height × width × channels, one byte each
///               labels: count × 4    units: count × 4    content hashes: count × 32
///               codes: count × column count, one byte each, image by image
///               description: JSON (classes, transform, columns)
/// ```
/// Images are stored in the order of their content hashes, so the same set results in the same file, whatever
/// the names and the order of its files. A set without columns is written in version 1, byte for byte as before.
/// Rows of a table have no pixels (0 × 0 × 0), columns, and the SHA-256 of their codes as content hash; they are
/// stored in the order of their codes, then of their persons.
enum SnapshotLayout {
  static let version: UInt32 = 2
  static let magic: [UInt8] = Array("FIGSNAP\0".utf8)
  /// One page, so that pixels are page-aligned in the mapping.
  static let headerSize = 4096
  static let digestOffset = 64
  static let checksumOffset = 96
  static let columnCountOffset = 128
  static let maximumClassCount = 65_536
}

/// The fixed part of a packed file.
struct SnapshotHeader: Equatable {
  var shape: ImageShape
  var classCount: Int
  var unit: PrivacyUnit
  var count: Int
  var unitCount: Int
  var descriptionSize: Int
  var digest: ContentHash
  var columnCount = 0

  var pixelsOffset: Int { SnapshotLayout.headerSize }
  var labelsOffset: Int { pixelsOffset + count * shape.sampleCount }
  var unitsOffset: Int { labelsOffset + count * 4 }
  var hashesOffset: Int { unitsOffset + count * 4 }
  var codesOffset: Int { hashesOffset + count * ContentHash.byteCount }
  var descriptionOffset: Int { codesOffset + count * columnCount }
  var fileSize: Int { descriptionOffset + descriptionSize }

  /// The header's bytes, the checksum still zero.
  func bytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(SnapshotLayout.headerSize)
    bytes += SnapshotLayout.magic
    let small = [
      columnCount == 0 ? 1 : Int(SnapshotLayout.version), shape.height, shape.width, shape.channels,
      classCount,
      unit == .file ? 0 : 1,
    ]
    for number in small { bytes.append(littleEndian: UInt32(number)) }
    for number in [count, unitCount, descriptionSize, fileSize] {
      bytes.append(littleEndian: UInt64(number))
    }
    digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: [UInt8](repeating: 0, count: ContentHash.byteCount))
    bytes.append(littleEndian: UInt32(columnCount))
    bytes.append(
      contentsOf: [UInt8](repeating: 0, count: SnapshotLayout.headerSize - bytes.count))
    return bytes
  }

  /// Reads a header; every number is checked against the size of the file before it is used.
  init(reading bytes: UnsafeRawBufferPointer, path: String) throws(DatasetError) {
    func damaged(_ finding: String) -> DatasetError {
      .snapshotDamaged(path: path, finding: finding)
    }
    guard bytes.count >= SnapshotLayout.headerSize else {
      throw damaged("\(bytes.count) bytes (a header of \(SnapshotLayout.headerSize) expected)")
    }
    guard bytes.prefix(8).elementsEqual(SnapshotLayout.magic) else {
      throw damaged("its first bytes are not those of packed images")
    }
    func small(_ offset: Int) -> Int {
      Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    func large(_ offset: Int) -> Int? {
      Int(
        exactly: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    guard small(8) <= Int(SnapshotLayout.version) else {
      throw .snapshotTooNew(path: path, version: UInt32(small(8)))
    }
    let (height, width, channels) = (small(12), small(16), small(20))
    columnCount = small(8) < 2 ? 0 : small(SnapshotLayout.columnCountOffset)
    let hasPixels = height > 0 || width > 0 || channels > 0
    guard columnCount <= ColumnDomain.maximumColumnCount,
      hasPixels
        ? (1...4096).contains(height) && (1...4096).contains(width) && [1, 3].contains(channels)
        : columnCount > 0,
      (1...SnapshotLayout.maximumClassCount).contains(small(24)), small(28) <= 1,
      let count = large(32), let unitCount = large(40), let descriptionSize = large(48),
      let fileSize = large(56), count >= 1, count <= Int(Int32.max), unitCount >= 1,
      unitCount <= count, descriptionSize <= bytes.count, fileSize == bytes.count,
      let digest = ContentHash(bytes: UnsafeRawBufferPointer(rebasing: bytes[64..<96]))
    else {
      throw damaged("the sizes in its header are inconsistent with each other or with the file")
    }
    shape =
      hasPixels ? ImageShape(height: height, width: width, channels: channels) : .noPixels
    classCount = small(24)
    unit = small(28) == 0 ? .file : .folder
    self.count = count
    self.unitCount = unitCount
    self.descriptionSize = descriptionSize
    self.digest = digest
    // At most 2^31 images of 3 × 2^24 bytes: far from overflow.
    guard self.fileSize == bytes.count else {
      throw damaged("\(bytes.count) bytes (\(self.fileSize) expected)")
    }
  }

  init(
    shape: ImageShape, classCount: Int, unit: PrivacyUnit, count: Int, unitCount: Int,
    descriptionSize: Int, digest: ContentHash, columnCount: Int = 0
  ) {
    self.columnCount = columnCount
    self.shape = shape
    self.classCount = classCount
    self.unit = unit
    self.count = count
    self.unitCount = unitCount
    self.descriptionSize = descriptionSize
    self.digest = digest
  }
}

/// The variable part of a packed file's header.
struct SnapshotDescription: Codable, Equatable {
  var classes: [String]
  var transform: ImageTransform
  /// Absent without columns.
  var columns: [ColumnDomain]?
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}
