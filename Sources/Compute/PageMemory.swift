import Glibc

/// Memory for numbers: aligned to a cache line, and in huge pages if it is large.
///
/// Kernels traverse megabytes of filters and gradients in steps of a row, with a new page at each
/// step. With small pages, the address translations would exceed the capacity of the TLB.
enum PageMemory {
  private static let hugePage = 2 << 20

  /// Allocates at least `byteCount` uninitialised bytes, to be freed with `free`; traps if there is
  /// no memory, with `purpose` in the message.
  static func allocate(byteCount: Int, for purpose: String) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= hugePage
    var memory: UnsafeMutableRawPointer?
    let alignment = isLarge ? hugePage : Arena.alignment
    guard posix_memalign(&memory, alignment, max(byteCount, 1)) == 0, let memory else {
      preconditionFailure("out of memory: \(byteCount) bytes for \(purpose)")
    }
    // Only advice: the kernel may refuse it.
    if isLarge { _ = madvise(memory, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
    return memory
  }
}
