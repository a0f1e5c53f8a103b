import FoundationEssentials
import Glibc
import Runs

/// Processes that only consume processor time, at the nice level of this process.
///
/// They are processes, not threads, like other work on a server. They end when this object is
/// released, and soon after their parent process has ended in any way.
final class BenchHogs {
  /// The hidden command that a hog runs.
  static let verb = "spin-for-bench"

  private let processes: [ChildProcess]

  /// Starts `count` hogs and waits until they run.
  init(_ count: Int) throws {
    do {
      processes = try (0..<count).map { _ in
        try ChildProcess(
          "/proc/self/exe", ["figmentd", Self.verb, "\(getpid())"], environment: [], input: 0,
          output: 1, error: 2)
      }
    } catch let error as SystemCallError {
      throw BenchFault(
        description: "--beside: cannot start a process "
          + "(\(String(cString: strerror(error.code)))). Raise the limit of processes, or drop --beside"
          + ".")
    }
    usleep(Self.settlingTime)
  }

  /// Microseconds to wait until the programs are loaded and the scheduler has distributed them.
  private static let settlingTime: UInt32 = 300_000

  /// Spins until the process `parent` is no longer this process's parent.
  static func spin(parent: pid_t) -> Never {
    var value = 1.0
    while getppid() == parent {
      for _ in 0..<1_000_000 { value = value * 0.999_999 + 1e-9 }
      // Never true; prevents the optimiser from removing the loop.
      if value < 0 { break }
    }
    exit(0)
  }

  /// Runs as a hog if the command line requests it.
  static func runIfAsked(_ arguments: [String]) {
    guard arguments.count == 3, arguments[1] == verb, let parent = pid_t(arguments[2]) else {
      return
    }
    spin(parent: parent)
  }
}

/// Why a measurement cannot be made.
struct BenchFault: Error, CustomStringConvertible {
  let description: String
}

/// Computes the share of the processors that a fair scheduler grants beside busy processes.
enum FairShare {
  /// Returns the share of their quiet speed, 0 to 1, that `threads` threads keep on `processors`
  /// processors beside `hogs` hogs.
  ///
  /// Threads are distributed evenly over the processors. Each hog then goes to the least loaded
  /// processor, and among equals to one with the fewest hogs. Each processor's time is divided evenly.
  /// Two threads on two processors keep 0.75 beside one hog and 0.5 beside two.
  static func share(threads: Int, processors: Int, hogs: Int) -> Double {
    guard threads > 0, processors > 0, hogs > 0 else { return 1 }
    let own = (0..<processors).map { threads / processors + ($0 < threads % processors ? 1 : 0) }
    var others = [Int](repeating: 0, count: processors)
    for _ in 0..<hogs {
      let place = (0..<processors).min {
        (own[$0] + others[$0], others[$0]) < (own[$1] + others[$1], others[$1])
      }
      others[place ?? 0] += 1
    }
    let taken = zip(own, others).reduce(0.0) { sum, place in
      place.0 == 0 ? sum : sum + Double(place.0) / Double(place.0 + place.1)
    }
    return taken / Double(min(threads, processors))
  }
}
