import CKernels
import Glibc

/// One instruction set's kernels.
///
/// The best one that the processor runs is chosen at start; the environment variable `FIGMENT_ISA`
/// (`scalar`, `neon`, `avx2`, `avx512`) forces another.
public struct Kernels: @unchecked Sendable, CustomStringConvertible {
  let table: UnsafePointer<ck_kernels>

  /// The instruction set: `scalar`, `neon`, `avx2` or `avx512`.
  public let name: String

  /// Every set that this processor runs, best first, `scalar` last.
  public static let available: [Kernels] = {
    var count = 0
    guard let tables = ck_available(&count) else { return [] }
    return (0..<count).compactMap { index in tables[index].map(Kernels.init) }
  }()

  /// The set that `FIGMENT_ISA` names, or else the best one; traps on a name that is not available.
  public static let preferred: Kernels = {
    guard let forced = getenv("FIGMENT_ISA") else { return available[0] }
    let name = String(cString: forced)
    guard let kernels = named(name) else {
      let names = available.map(\.name).joined(separator: ", ")
      fatalError("FIGMENT_ISA: \(name) is not available on this processor (expected \(names))")
    }
    return kernels
  }()

  /// What is wrong with the environment variable `FIGMENT_ISA`; nil when nothing is.
  ///
  /// Programs ask before they compute, since `preferred` traps.
  public static var preferenceProblem: String? {
    guard let forced = getenv("FIGMENT_ISA") else { return nil }
    let name = String(cString: forced)
    guard named(name) == nil else { return nil }
    return "FIGMENT_ISA: '\(name)' is not available on this processor "
      + "(\(available.map(\.name).joined(separator: ", ")) expected). Unset it, or name another."
  }

  /// The set of that name, if this processor runs it.
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
