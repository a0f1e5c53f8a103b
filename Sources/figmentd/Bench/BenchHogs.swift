import FoundationEssentials
import Glibc
import Runs

/// Processes that do nothing but take processor time, at the nice level of this one.
///
/// Processes and not threads, as other work on a server would be. They end when they are dropped, and
/// by themselves within a moment when the process that started them is gone, however that ended.
final class BenchHogs {
  /// What the command line of a hog begins with.
  static let verb = "spin-for-bench"

  private let processes: [ChildProcess]

  /// Starts `count` hogs and waits until they are under way.
  init(_ count: Int) throws {
    do {
      processes = try (0..<count).map { _ in
        try ChildProcess(
          "/proc/self/exe", ["figmentd", Self.verb, "\(getpid())"], environment: [], input: 0,
          output: 1, error: 2)
      }
    } catch let error as SystemCallError {
      throw BenchFault(
        description: "A process for --beside cannot be started "
          + "(\(String(cString: strerror(error.code)))). Check the limit of processes, or leave --beside "
          + "out.")
    }
    usleep(Self.settlingTime)
  }

  /// Microseconds until the programs are loaded and the scheduler has spread them.
  private static let settlingTime: UInt32 = 300_000

  /// What a hog does: spin until the process `parent` is its parent no more.
  static func spin(parent: pid_t) -> Never {
    var value = 1.0
    while getppid() == parent {
      for _ in 0..<1_000_000 { value = value * 0.999_999 + 1e-9 }
      // Never true, so that the loop is not left out.
      if value < 0 { break }
    }
    exit(0)
  }

  /// Runs as a hog where the command line says so.
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

/// What a fair scheduler gives beside others that never rest.
enum FairShare {
  /// The share of their quiet speed that `threads` threads keep on `processors` processors beside
  /// `hogs` hogs: between 0 and 1.
  ///
  /// Threads are spread evenly over the processors, then each hog goes to the processor with the least
  /// to do, of those to one with the fewest hogs. A processor's time is shared evenly. Two threads on
  /// two processors keep 0.75 beside one hog and 0.5 beside two.
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
