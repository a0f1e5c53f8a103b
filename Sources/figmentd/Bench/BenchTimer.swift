import Compute
import Glibc
import Runs

/// Repeats a body for a while and keeps its times.
struct BenchTimer {
  /// Seconds of the best and of the median repetition.
  struct Timing {
    let best: Double, median: Double
  }

  let seconds: Double
  /// What time is: the wall's, or the processor's spread over so many threads.
  let clock: BenchClock

  /// Runs once to warm up, then at least five times and until the time is over.
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

  /// Floating point operations per second when nothing touches memory.
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

  /// Seconds from some beginning.
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

/// The most memory that the process has held at once.
enum PeakMemory {
  /// Forgets the past, where the kernel allows it.
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
