import Glibc

/// Memory for numbers: aligned to a cache line, and in huge pages where there is much of it.
///
/// Kernels go through filters and gradients of megabytes in steps of a row, a new page at each: with
/// small ones, addresses would have to be looked up more often than the processor remembers them.
enum PageMemory {
  private static let hugePage = 2 << 20

  /// At least `byteCount` bytes, with anything in them, to be given to `free`; traps if there are none,
  /// saying what they were for.
  static func allocate(byteCount: Int, for purpose: String) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= hugePage
    var memory: UnsafeMutableRawPointer?
    let alignment = isLarge ? hugePage : Arena.alignment
    guard posix_memalign(&memory, alignment, max(byteCount, 1)) == 0, let memory else {
      preconditionFailure("out of memory: \(byteCount) bytes for \(purpose)")
    }
    // A wish that the kernel may refuse.
    if isLarge { _ = madvise(memory, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
    return memory
  }
}
