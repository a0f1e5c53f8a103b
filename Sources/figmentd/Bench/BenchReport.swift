import FoundationEssentials

/// The lines that `bench` prints.
struct BenchReport {
  /// One measurement as a JSON object.
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
  /// Floating-point operations per second of all threads together.
  let peak: Double
  let isJSON: Bool

  /// Prints the heading.
  func begin() {
    guard !isJSON else { return }
    BenchText.write(
      "peak \(BenchText.fixed(peak / 1e9, 1)) GFLOP/s with \(threads) threads of \(isa)\n")
    BenchText.write(
      BenchText.pad("operation", 20) + BenchText.pad("shape", 34) + BenchText.right("best ms", 10)
        + BenchText.right("median", 10)
        + BenchText.right("GFLOP/s", 9) + BenchText.right("peak", 6)
        + BenchText.right("per second", 16) + BenchText.right("memory", 9)
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
      try BenchText.write(json: line)
      return
    }
    let share = line.shareOfPeak.map { BenchText.fixed($0 * 100, 0) + "%" } ?? "-"
    BenchText.write(
      BenchText.pad(line.operation, 20) + BenchText.pad(line.shape, 34)
        + BenchText.right(BenchText.fixed(line.bestMilliseconds, 3), 10)
        + BenchText.right(BenchText.fixed(line.medianMilliseconds, 3), 10)
        + BenchText.right(gflops.map { BenchText.fixed($0, 1) } ?? "-", 9)
        + BenchText.right(share, 6)
        + BenchText.right("\(BenchText.grouped(line.itemsPerSecond)) \(entry.item)", 16)
        + BenchText.right("\(peakMemory >> 20) MB", 9) + "\n")
  }
}
