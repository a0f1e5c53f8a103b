import CKernels
import Glibc

/// One instruction set's kernels.
///
/// The best set that the processor supports is chosen at start; the environment variable
/// `FIGMENT_ISA` (`scalar`, `neon`, `avx2`, `avx512`) forces another.
public struct Kernels: @unchecked Sendable, CustomStringConvertible {
  let table: UnsafePointer<ck_kernels>

  /// The instruction set: `scalar`, `neon`, `avx2` or `avx512`.
  public let name: String

  /// Every set that this processor supports, best first, `scalar` last.
  public static let available: [Kernels] = {
    var count = 0
    guard let tables = ck_available(&count) else { return [] }
    return (0..<count).compactMap { index in tables[index].map(Kernels.init) }
  }()

  /// The set named by `FIGMENT_ISA`, or else the best one; traps if that set is not available.
  public static let preferred: Kernels = {
    guard let forced = getenv("FIGMENT_ISA") else { return available[0] }
    let name = String(cString: forced)
    guard let kernels = named(name) else {
      let names = available.map(\.name).joined(separator: ", ")
      fatalError("FIGMENT_ISA: \(name) is not available on this processor (expected \(names))")
    }
    return kernels
  }()

  /// The problem with the environment variable `FIGMENT_ISA`; nil if there is none.
  ///
  /// Programs check this before they compute, because `preferred` traps.
  public static var preferenceProblem: String? {
    guard let forced = getenv("FIGMENT_ISA") else { return nil }
    let name = String(cString: forced)
    guard named(name) == nil else { return nil }
    return "FIGMENT_ISA: '\(name)' is not available on this processor "
      + "(\(available.map(\.name).joined(separator: ", ")) expected). Unset it, or name another."
  }

  /// The set of that name, if this processor supports it.
  public static func named(_ name: String) -> Kernels? {
    available.first { $0.name == name }
  }

  /// The name.
  public var description: String { name }

  init(_ table: UnsafePointer<ck_kernels>) {
    self.table = table
    name = String(cString: table.pointee.name)
  }
}
