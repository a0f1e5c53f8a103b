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

/// Memory of one worker for the time of one iteration; it grows to what its plans ask for.
final class Scratch: @unchecked Sendable {
  private var base: UnsafeMutablePointer<Float>?
  private var count = 0

  deinit { free(base) }

  /// At least `count` floats, aligned to a cache line, with anything in them.
  func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    if let base, count <= self.count { return base }
    free(base)
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let fresh = PageMemory.allocate(byteCount: byteCount, for: "a worker's scratch")
    let typed = fresh.bindMemory(to: Float.self, capacity: max(count, 1))
    base = typed
    self.count = count
    return typed
  }
}

/// Floats of a fixed count aligned to a cache line, owned by a plan.
final class FloatStorage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  /// Creates `count` zeros.
  init(count: Int) {
    self.count = count
    let byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let fresh = PageMemory.allocate(byteCount: byteCount, for: "weights")
    base = fresh.bindMemory(to: Float.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: max(count, 1))
  }

  deinit { free(base) }
}
