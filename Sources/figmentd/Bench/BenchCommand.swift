import ArgumentParser
import Compute
import FoundationEssentials

/// Measures the kernels on this machine and prints a table or JSON.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the kernels on this machine.",
    discussion: """
      Prints a line for each operation and shape: best and median time, GFLOP/s and their share of \
      the measured peak, examples per second, and the peak memory of the process. With --beside, \
      each line contains the speed beside busy processes instead, as a share of the speed alone and \
      of the share that a fair scheduler would leave.
      """)

  @Option(help: "Measure only cases whose operation or shape contains this text.")
  var filter: String?

  @Option(
    parsing: .unconditional, help: "Number of threads. (default: the processors of this process)")
  var threads: Int?

  @Option(help: "Instruction set: scalar, neon, avx2 or avx512. (default: the best)")
  var isa: String?

  @Option(parsing: .unconditional, help: "Examples per batch.")
  var batch = 128

  @Option(parsing: .unconditional, help: "Seconds to measure each case.")
  var seconds = 0.5

  @Flag(help: "Measure processor time per thread; use it on a machine with other load.")
  var processorTime = false

  @Option(
    help: ArgumentHelp(
      "Measure alone and beside this number of busy processes, in turns.",
      valueName: "processes"))
  var beside: Int?

  @Flag(help: "Print JSON, one object per line.")
  var json = false

  func validate() throws {
    guard batch > 0 else {
      throw ValidationError("--batch: \(batch) given (1 or more expected).")
    }
    guard threads.map({ $0 > 0 }) ?? true else {
      throw ValidationError(
        "--threads: \(threads ?? 0) given (1 or more expected). Drop it to use every processor.")
    }
    guard beside.map({ (1...1024).contains($0) }) ?? true else {
      throw ValidationError(
        "--beside: \(beside ?? 0) given (1 to 1024 processes expected). Drop it to measure alone.")
    }
    guard beside == nil || !processorTime else {
      throw ValidationError(
        "--beside and --processor-time: both given (at most one expected). Only the wall clock shows "
          + "the effect of other processes. Drop --processor-time."
      )
    }
    guard isa.map({ Kernels.named($0) != nil }) ?? true else {
      let names = Kernels.available.map(\.name).joined(separator: ", ")
      throw ValidationError(
        "--isa: this processor does not support \(isa ?? "") (one of \(names) expected).")
    }
  }

  func run() throws {
    let kernels = isa.flatMap(Kernels.named) ?? .preferred
    let machine = Machine(
      threadCount: threads ?? Processors.granted, kernels: kernels)
    let cases = BenchCase.all(batch: batch).filter { $0.matches(filter) }
    if let beside { return try measure(cases, on: machine, beside: beside) }
    let clock: BenchClock =
      processorTime ? .processor(threads: machine.threads.threadCount) : .wall
    let peak = BenchTimer.peak(of: machine, clock)
    let report = BenchReport(
      isa: kernels.name, threads: machine.threads.threadCount, peak: peak, isJSON: json)
    report.begin()
    for entry in cases {
      PeakMemory.reset()
      let timing = BenchTimer(seconds: seconds, clock: clock).measure(entry.prepare(machine))
      try report.add(
        entry, timing: timing, peakMemory: PeakMemory.current)
    }
  }

  private func measure(_ cases: [BenchCase], on machine: Machine, beside hogs: Int) throws {
    let threads = machine.threads.threadCount
    let report = BenchBesideReport(
      isa: machine.kernels.name, threads: threads, hogs: hogs,
      fairShare: FairShare.share(
        threads: threads, processors: ThreadPool.availableProcessors, hogs: hogs), isJSON: json)
    report.begin()
    for entry in cases {
      let timing = try BenchBeside(hogs: hogs, seconds: seconds).measure(entry.prepare(machine))
      try report.add(entry, timing: timing)
    }
  }
}
