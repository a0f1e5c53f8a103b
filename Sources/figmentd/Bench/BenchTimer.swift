import Compute
import Glibc
import Runs

/// Runs a body repeatedly and measures its times.
struct BenchTimer {
  /// The best and the median time of a repetition in seconds.
  struct Timing {
    let best: Double, median: Double
  }

  let seconds: Double
  /// The clock: wall time, or processor time divided by the number of threads.
  let clock: BenchClock

  /// Runs once to warm up, then at least five times until the measuring time has passed.
  func measure(_ body: () -> Void) -> Timing {
    body()
    var times: [Double] = []
    let end = clock.now() + seconds
    while times.count < 5 || (clock.now() < end && times.count < 10_000) {
      let start = clock.now()
      body()
      times.append(clock.now() - start)
    }
    times.sort()
    return Timing(best: times[0], median: times[times.count / 2])
  }

  /// Floating-point operations per second of code that does not access memory.
  static func peak(of machine: Machine, _ clock: BenchClock) -> Double {
    var best = 0.0
    for _ in 0..<20 {
      let start = clock.now()
      let operations = machine.multiplyAddInRegisters(rounds: 400_000)
      best = max(best, operations / (clock.now() - start))
    }
    return best
  }
}

/// A clock to measure with.
enum BenchClock {
  case wall
  /// Processor time divided by the threads that share it.
  case processor(threads: Int)

  /// The time in seconds since an arbitrary start.
  func now() -> Double {
    switch self {
    case .wall: Self.read(CLOCK_MONOTONIC)
    case .processor(let threads): Self.read(CLOCK_PROCESS_CPUTIME_ID) / Double(threads)
    }
  }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// The peak memory of the process.
enum PeakMemory {
  /// Resets the peak if the kernel allows it.
  static func reset() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  /// Bytes since the last reset.
  static var current: Int {
    ProcessStatus.peakMemory
  }
}
