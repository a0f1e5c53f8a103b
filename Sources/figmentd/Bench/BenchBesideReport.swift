import FoundationEssentials

/// The lines that `bench --beside` prints.
struct BenchBesideReport {
  /// One measurement as a JSON object.
  struct Line: Encodable {
    let operation: String
    let shape: String
    let isa: String
    let threads: Int
    let hogs: Int
    let batch: Int
    let quietMilliseconds: Double
    let besideMilliseconds: Double
    let besideProcessorMilliseconds: Double
    let shareOfQuiet: Double
    let fairShare: Double
    let shareOfFair: Double
    let loadAverage: Double
  }

  let isa: String
  let threads: Int, hogs: Int
  /// The share of the quiet speed under a fair scheduler.
  let fairShare: Double
  let isJSON: Bool

  /// Prints the heading.
  func begin() {
    guard !isJSON else { return }
    BenchText.write(
      "\(threads) threads of \(isa) beside \(hogs) processes: a fair share is "
        + "\(BenchText.fixed(fairShare * 100, 0))%\n")
    BenchText.write(
      BenchText.pad("operation", 20) + BenchText.pad("shape", 34)
        + BenchText.right("quiet ms", 10) + BenchText.right("beside ms", 11)
        + BenchText.right("processor ms", 14) + BenchText.right("of quiet", 10)
        + BenchText.right("of fair", 9) + BenchText.right("load", 7) + "\n")
  }

  /// Prints one measurement.
  func add(_ entry: BenchCase, timing: BenchBeside.Timing) throws {
    let line = Line(
      operation: entry.operation, shape: entry.shape, isa: isa, threads: threads, hogs: hogs,
      batch: entry.batch, quietMilliseconds: timing.quiet * 1e3,
      besideMilliseconds: timing.beside * 1e3,
      besideProcessorMilliseconds: timing.processorTime * 1e3, shareOfQuiet: timing.speed,
      fairShare: fairShare, shareOfFair: timing.speed / fairShare, loadAverage: timing.load)
    guard !isJSON else { return try BenchText.write(json: line) }
    BenchText.write(
      BenchText.pad(line.operation, 20) + BenchText.pad(line.shape, 34)
        + BenchText.right(BenchText.fixed(line.quietMilliseconds, 3), 10)
        + BenchText.right(BenchText.fixed(line.besideMilliseconds, 3), 11)
        + BenchText.right(BenchText.fixed(line.besideProcessorMilliseconds, 3), 14)
        + BenchText.right(BenchText.fixed(line.shareOfQuiet * 100, 0) + "%", 10)
        + BenchText.right(BenchText.fixed(line.shareOfFair, 2), 9)
        + BenchText.right(BenchText.fixed(line.loadAverage, 1), 7) + "\n")
  }
}
