import ArgumentParser
import Compute
import FoundationEssentials

/// Measures kernels on this machine: a table for people, JSON for scripts.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the kernels on this machine.",
    discussion: """
      Each line is one operation on one shape: best and median time, GFLOP/s, its share of the \
      peak that is measured first, examples per second and the peak memory of the process. With \
      --beside, each line is the speed beside other work instead: as a share of the speed alone, and of \
      what a fair scheduler would leave.
      """)

  @Option(help: "Measure only cases whose name or operation contains this text.")
  var filter: String?

  @Option(parsing: .unconditional, help: "Threads (default: the processors of this process).")
  var threads: Int?

  @Option(help: "Instruction set: scalar, neon, avx2 or avx512 (default: the best).")
  var isa: String?

  @Option(parsing: .unconditional, help: "Examples per batch.")
  var batch = 128

  @Option(parsing: .unconditional, help: "Seconds to measure each case.")
  var seconds = 0.5

  @Flag(help: "Count processor time per thread, for a machine that others use at the same time.")
  var processorTime = false

  @Option(
    help: ArgumentHelp(
      "Measure alone and beside so many processes that never rest, in turns.",
      valueName: "processes"))
  var beside: Int?

  @Flag(help: "Print JSON, one object per line.")
  var json = false

  func validate() throws {
    guard batch > 0 else {
      throw ValidationError("--batch: \(batch) (expected at least 1). Give a positive number.")
    }
    guard threads.map({ $0 > 0 }) ?? true else {
      throw ValidationError("--threads: expected at least 1. Leave it out to use every processor.")
    }
    guard beside.map({ (1...1024).contains($0) }) ?? true else {
      throw ValidationError(
        "--beside: \(beside ?? 0) processes (expected 1 to 1024). Leave it out to measure alone.")
    }
    guard beside == nil || !processorTime else {
      throw ValidationError(
        "--beside measures by the wall clock: other work shows there alone. Leave --processor-time out."
      )
    }
    guard isa.map({ Kernels.named($0) != nil }) ?? true else {
      let names = Kernels.available.map(\.name).joined(separator: ", ")
      throw ValidationError(
        "--isa: \(isa ?? "") does not run on this processor (expected one of \(names)).")
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
