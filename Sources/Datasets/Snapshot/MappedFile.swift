import Glibc

/// A file mapped into memory.
final class MappedFile: @unchecked Sendable {
  // Sendable: the mapping itself never changes after init. A writer through `mutableBytes` is the only owner
  // of the object (SnapshotBuilder assigns separate ranges to threads).
  let mutableBytes: UnsafeMutableRawBufferPointer

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(mutableBytes) }

  /// Maps `size` bytes of an open file, shared.
  init(descriptor: CInt, size: Int, isWritable: Bool, path: String) throws(DatasetError) {
    let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    let address = mmap(nil, size, protection, MAP_SHARED, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw .lastCall("mapping", path)
    }
    mutableBytes = UnsafeMutableRawBufferPointer(start: address, count: size)
  }

  deinit { munmap(mutableBytes.baseAddress, mutableBytes.count) }
}

/// Writes all of `bytes` at `offset`, in several calls if necessary.
func writeFully(
  _ descriptor: CInt, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
) throws(DatasetError) {
  var done = 0
  while done < bytes.count {
    let count = pwrite(
      descriptor, bytes.baseAddress?.advanced(by: done), min(bytes.count - done, 1 << 20),
      off_t(offset + done))
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { throw .lastCall("writing", path) }
    done += count
  }
}
