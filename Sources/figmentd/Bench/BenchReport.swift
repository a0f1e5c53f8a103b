import FoundationEssentials
import Glibc

/// The lines that `bench` prints.
struct BenchReport {
  /// One measurement, as JSON prints it.
  struct Line: Encodable {
    let operation: String
    let shape: String
    let isa: String
    let threads: Int
    let batch: Int
    let bestMilliseconds: Double
    let medianMilliseconds: Double
    let gflops: Double?
    let shareOfPeak: Double?
    let itemsPerSecond: Double
    let item: String
    let peakMemoryBytes: Int
    let peakGflops: Double
  }

  let isa: String
  let threads: Int
  /// Floating point operations per second of all threads together.
  let peak: Double
  let isJSON: Bool

  /// Prints the heading.
  func begin() {
    guard !isJSON else { return }
    write("peak \(fixed(peak / 1e9, 1)) GFLOP/s with \(threads) threads of \(isa)\n")
    write(
      pad("operation", 20) + pad("shape", 34) + right("best ms", 10) + right("median", 10)
        + right("GFLOP/s", 9) + right("peak", 6) + right("per second", 16) + right("memory", 9)
        + "\n")
  }

  /// Prints one measurement.
  func add(_ entry: BenchCase, timing: BenchTimer.Timing, peakMemory: Int) throws {
    let gflops = entry.operations.map { $0 / timing.best / 1e9 }
    let line = Line(
      operation: entry.operation, shape: entry.shape, isa: isa, threads: threads,
      batch: entry.batch, bestMilliseconds: timing.best * 1e3,
      medianMilliseconds: timing.median * 1e3, gflops: gflops,
      shareOfPeak: gflops.map { $0 * 1e9 / peak },
      itemsPerSecond: Double(entry.itemCount) / timing.best, item: entry.item,
      peakMemoryBytes: peakMemory, peakGflops: peak / 1e9)
    if isJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      write(String(decoding: try encoder.encode(line), as: UTF8.self) + "\n")
      return
    }
    let share = line.shareOfPeak.map { fixed($0 * 100, 0) + "%" } ?? "-"
    write(
      pad(line.operation, 20) + pad(line.shape, 34) + right(fixed(line.bestMilliseconds, 3), 10)
        + right(fixed(line.medianMilliseconds, 3), 10)
        + right(gflops.map { fixed($0, 1) } ?? "-", 9) + right(share, 6)
        + right("\(grouped(line.itemsPerSecond)) \(entry.item)", 16)
        + right("\(peakMemory >> 20) MB", 9) + "\n")
  }

  private func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  /// A number with fixed decimals.
  private func fixed(_ value: Double, _ decimals: Int) -> String {
    let scale = pow(10, Double(decimals))
    let scaled = Int((value * scale).rounded())
    guard decimals > 0 else { return "\(scaled)" }
    let fraction = String(abs(scaled) % Int(scale))
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int(scale)).\(zeros)\(fraction)"
  }

  /// A count with its thousands, millions or billions as a letter.
  private func grouped(_ value: Double) -> String {
    switch value {
    case 1e9...: fixed(value / 1e9, 2) + "G"
    case 1e6...: fixed(value / 1e6, 1) + "M"
    case 1e4...: fixed(value / 1e3, 1) + "k"
    default: fixed(value, 0)
    }
  }
}
