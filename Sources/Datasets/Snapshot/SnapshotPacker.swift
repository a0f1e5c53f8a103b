internal import FoundationEssentials
import Glibc
import Synchronization

/// Writes a packed file: first the pixels, into slots that threads fill in any order; then, once the set is
/// known, everything else.
///
/// Until `finish` succeeds, only a temporary file exists.
final class SnapshotPacker: Sendable {
  let path: String
  private let temporaryPath: String
  private let directory: String
  private let descriptor: CInt
  private let transform: ImageTransform
  private let file: MappedFile

  init(directory: String, name: String, slotCount: Int, transform: ImageTransform) throws {
    self.directory = directory
    self.transform = transform
    path = directory + "/" + name
    temporaryPath = path + ".\(getpid()).tmp"
    try Self.makePrivate(directory)
    unlink(temporaryPath)
    descriptor = open(
      temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(0o600))
    guard descriptor >= 0 else { throw DatasetError.lastCall("creating", temporaryPath) }
    // Protect the file from the removal of crash leftovers while it is being written.
    flock(descriptor, LOCK_EX | LOCK_NB)
    do {
      let size = SnapshotLayout.headerSize + slotCount * transform.byteCount
      // Allocate the space now: a full disk must cause an error here, not a bus error in the mapping.
      let code = posix_fallocate(descriptor, 0, off_t(size))
      guard code == 0 else {
        throw DatasetError.systemCallFailed(
          call: "reserving \(size) bytes for", path: temporaryPath, errno: code)
      }
      file = try MappedFile(
        descriptor: descriptor, size: size, isWritable: true, path: temporaryPath)
    } catch {
      close(descriptor)
      unlink(temporaryPath)
      throw error
    }
  }

  deinit {
    close(descriptor)
    unlink(temporaryPath)  // gone already after a successful rename
  }

  /// Copies the pixels of one image.
  ///
  /// Thread-safe for different slots.
  func store(_ pixels: UnsafePointer<UInt8>, inSlot slot: Int) {
    memcpy(address(ofSlot: slot), pixels, transform.byteCount)
  }

  /// Sorts the accepted images, adds labels, units and hashes, and publishes the file.
  func finish(
    _ accepted: [PackedRecord], classes: [String], unit: PrivacyUnit,
    columns: [ColumnDomain] = []
  ) throws {
    let ordered = accepted.sorted { SnapshotRecord.precedes($0.record, $1.record) }
    reorder(slots: ordered.map(\.slot))
    let records = ordered.map(\.record)
    let units = Self.units(of: records, unit)
    let description = try JSONEncoder.sorted.encode(
      SnapshotDescription(
        classes: classes, transform: transform, columns: columns.isEmpty ? nil : columns))
    let header = SnapshotHeader(
      shape: transform.shape, classCount: classes.count, unit: unit, count: records.count,
      unitCount: units.count, descriptionSize: description.count,
      digest: try SnapshotDigest.digest(
        of: records, classes: classes, transform: transform, unit: unit, columns: columns),
      columnCount: columns.count)
    try finish(header) { out in
      for record in records { try out.put(littleEndian: record.label) }
      for unit in units.numbers { try out.put(littleEndian: unit) }
      for record in records { try out.put(record.hash) }
      for record in records { try out.put(record.codes) }
      try out.put(Array(description))
    }
  }

  /// Writes everything after the pixels, then the header and the checksum, and publishes the file.
  ///
  /// - Parameter body: writes labels, units, hashes, codes and description, in this order.
  func finish(_ header: SnapshotHeader, _ body: (SectionWriter) throws -> Void) throws {
    guard ftruncate(descriptor, off_t(header.fileSize)) == 0 else {
      throw DatasetError.lastCall("sizing", temporaryPath)
    }
    let out = SectionWriter(at: header.labelsOffset) { try self.write($0, at: $1) }
    try body(out)
    try out.flush()
    precondition(out.offset == header.fileSize, "the sections are as long as the header states")
    try write(header.bytes(), at: 0)
    try writeChecksum(size: header.fileSize)
    try publish()
  }

  private func address(ofSlot slot: Int) -> UnsafeMutableRawPointer {
    guard let start = file.mutableBytes.baseAddress else { preconditionFailure("never empty") }
    return start + SnapshotLayout.headerSize + slot * transform.byteCount
  }

  /// Moves the pixels of `slots[n]` to slot n in place: each cycle of the permutation needs memory for one
  /// image only.
  private func reorder(slots: [Int]) {
    let size = transform.byteCount
    // The current slot of the pixels that started in slot s, and the pixels that slot s contains now.
    var placeOf = Dictionary(uniqueKeysWithValues: slots.map { ($0, $0) })
    var contentOf = placeOf
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { spare in
      guard let spare = spare.baseAddress else { return }
      for (target, original) in slots.enumerated() {
        guard let current = placeOf[original], current != target else { continue }
        let displaced = contentOf[target]
        memcpy(spare, address(ofSlot: target), size)
        memcpy(address(ofSlot: target), address(ofSlot: current), size)
        memcpy(address(ofSlot: current), spare, size)
        contentOf[target] = original
        placeOf[original] = target
        contentOf[current] = displaced
        if let displaced { placeOf[displaced] = current }
      }
    }
  }

  /// Numbers the units of privacy: persons in order of their names, or each image separately.
  private static func units(
    of records: [SnapshotRecord], _ unit: PrivacyUnit
  ) -> (numbers: [UInt32], count: Int) {
    guard unit == .folder else { return ((0..<records.count).map(UInt32.init), records.count) }
    let people = Set(records.compactMap(\.person))
      .sorted { $0.lexicographicallyPrecedes($1) }
    let numbers = Dictionary(
      uniqueKeysWithValues: people.enumerated().map { ($1, UInt32($0)) })
    return (records.map { numbers[$0.person ?? []] ?? 0 }, people.count)
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(DatasetError) {
    var failure: DatasetError?
    bytes.withUnsafeBytes { bytes in
      do throws(DatasetError) {
        try writeFully(descriptor, bytes, at: offset, path: temporaryPath)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func writeChecksum(size: Int) throws {
    let whole = try MappedFile(
      descriptor: descriptor, size: size, isWritable: false, path: temporaryPath)
    let checksum = Mutex<ContentHash?>(nil)
    let syncCode = Mutex<CInt>(0)
    // Start writing to disk while the checksum is computed. The kernel reports a failed write only once, so
    // the result of this call matters as much as the sync in publish().
    WorkerThreads.run(2) { [descriptor] index in
      if index == 0 {
        let value = DatasetSnapshot.checksum(of: whole.bytes)
        checksum.withLock { $0 = value }
      } else if fdatasync(descriptor) != 0 {
        let code = errno
        syncCode.withLock { $0 = code }
      }
    }
    let code = syncCode.withLock { $0 }
    guard code == 0 else {
      throw DatasetError.systemCallFailed(call: "syncing", path: temporaryPath, errno: code)
    }
    guard let value = checksum.withLock({ $0 }) else { preconditionFailure("both have ended") }
    try write(value.withUnsafeBytes { Array($0) }, at: SnapshotLayout.checksumOffset)
  }

  /// Flushes the file, names it, and flushes the folder.
  ///
  /// `FileDisk.replace` of `Runs` makes the same steps. That room imports this one, and writes files that fit
  /// into memory; this file is open and mapped from its first image on.
  private func publish() throws {
    guard fsync(descriptor) == 0 else { throw DatasetError.lastCall("syncing", temporaryPath) }
    guard rename(temporaryPath, path) == 0 else { throw DatasetError.lastCall("naming", path) }
    let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw DatasetError.lastCall("opening", directory) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw DatasetError.lastCall("syncing", directory) }
  }

  /// Creates the directory, or refuses one that others may enter.
  private static func makePrivate(_ directory: String) throws {
    guard mkdir(directory, mode_t(0o700)) != 0 else { return }
    guard errno == EEXIST else { throw DatasetError.lastCall("creating", directory) }
    var status = stat()
    guard lstat(directory, &status) == 0 else { throw DatasetError.lastCall("reading", directory) }
    guard status.isDirectory, status.st_mode & 0o077 == 0 else {
      throw DatasetError.directoryNotPrivate(
        path: directory, mode: UInt32(status.st_mode & 0o7777))
    }
  }
}

/// Writes the sections of a packed file one after another, with a buffer of 1 MiB.
final class SectionWriter {
  private static let capacity = 1 << 20

  /// Where the next byte goes.
  private(set) var offset: Int
  private var buffer: [UInt8] = []
  private let write: ([UInt8], Int) throws -> Void

  init(at offset: Int, write: @escaping ([UInt8], Int) throws -> Void) {
    self.offset = offset
    self.write = write
    buffer.reserveCapacity(Self.capacity + 4_096)
  }

  func put(littleEndian number: UInt32) throws {
    buffer.append(littleEndian: number)
    try advance(by: 4)
  }

  func put(_ bytes: some Collection<UInt8>) throws {
    buffer.append(contentsOf: bytes)
    try advance(by: bytes.count)
  }

  func put(_ hash: ContentHash) throws {
    hash.withUnsafeBytes { buffer.append(contentsOf: $0) }
    try advance(by: ContentHash.byteCount)
  }

  /// Writes what is in the buffer.
  func flush() throws {
    guard !buffer.isEmpty else { return }
    try write(buffer, offset - buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  private func advance(by count: Int) throws {
    offset += count
    if buffer.count >= Self.capacity { try flush() }
  }
}

extension JSONEncoder {
  /// An encoder with sorted keys, so that equal values result in equal bytes.
  static var sorted: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return encoder
  }
}
