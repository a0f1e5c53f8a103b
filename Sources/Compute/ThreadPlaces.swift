import CKernels
import Glibc
import Synchronization

/// Where the threads of a pool run, so that they avoid each other's processors.
///
/// A scheduler that sees three busy threads on two processors accepts any pairing of them. Beside
/// other work it leaves two of our threads on one processor for seconds, while the other work gets
/// a whole processor. So a thread that meets another thread of its pool moves. After the move it
/// may run anywhere again.
final class ThreadPlaces: @unchecked Sendable {
  private let threadCount: Int
  /// For each thread, the processor on which it last ran, plus one; zero before it has run.
  private let places: UnsafeMutablePointer<Atomic<Int>>
  /// For each thread, the monotonic time of its last move in nanoseconds; accessed by that thread only.
  private let moves: UnsafeMutablePointer<Int>

  /// Each thread has its own cache line, eight words.
  private static let stride = 8
  /// Nanoseconds after a move during which a thread stays where the scheduler puts it.
  private static let rest = 5_000_000

  init(threadCount: Int) {
    self.threadCount = threadCount
    places = .allocate(capacity: threadCount * Self.stride)
    moves = .allocate(capacity: threadCount * Self.stride)
    for index in 0..<threadCount * Self.stride { (places + index).initialize(to: Atomic(0)) }
    moves.initialize(repeating: -Self.rest, count: threadCount * Self.stride)
  }

  deinit {
    places.deinitialize(count: threadCount * Self.stride)
    places.deallocate()
    moves.deallocate()
  }

  /// Records where the calling thread runs, and moves it if a thread with a lower number runs there.
  func settle(_ worker: Int) {
    let here = Int(ck_current_processor()) + 1
    guard here > 0 else { return }
    let place = places + worker * Self.stride
    if place.pointee.load(ordering: .relaxed) != here {
      place.pointee.store(here, ordering: .relaxed)
    }
    for other in 0..<worker
    where places[other * Self.stride].load(ordering: .relaxed) == here {
      return move(worker)
    }
  }

  /// Moves the calling thread to an allowed processor without threads of the pool, if there is one.
  private func move(_ worker: Int) {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
    guard now - moves[worker * Self.stride] >= Self.rest else { return }
    moves[worker * Self.stride] = now
    let taken = (0..<threadCount).filter { $0 != worker }.map {
      Int32(places[$0 * Self.stride].load(ordering: .relaxed) - 1)
    }
    guard ck_leave_processors(taken, taken.count) != 0 else { return }
    places[worker * Self.stride].store(Int(ck_current_processor()) + 1, ordering: .relaxed)
  }
}
