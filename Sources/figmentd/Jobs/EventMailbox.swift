import Control
import Synchronization

/// What one follower of a job has not read yet.
///
/// Kept events wait in order. Progress does not: newer progress takes the place of older, so that
/// a slow follower sees the present and costs nothing.
final class EventMailbox: Sendable {
  /// Kept events that may wait; a follower this far behind is cut off.
  static let maximumWaiting = 10_000

  private struct State {
    var kept: [JobEvent] = []
    var progress: JobEvent?
    var end: Result<Void, ControlError>?
    var reader: CheckedContinuation<Void, Never>?
    var isCancelled = false

    mutating func takeReader() -> CheckedContinuation<Void, Never>? {
      defer { reader = nil }
      return reader
    }
  }

  private let state: Mutex<State>

  /// Makes a mailbox that starts with what happened before.
  init(history: [JobEvent]) {
    state = Mutex(State(kept: history))
  }

  /// Puts in what happened.
  func put(_ event: JobEvent) {
    state.withLock { state in
      guard state.end == nil else { return nil as CheckedContinuation<Void, Never>? }
      if case .progress = event.content {
        state.progress = event
      } else {
        state.kept.append(event)
        // Progress of a state that is over would come after the state's end.
        state.progress = nil
        if state.kept.count > Self.maximumWaiting {
          state.end = .failure(.busy("event stream: the reader is too slow. Follow it anew."))
        }
      }
      return state.takeReader()
    }?.resume()
  }

  /// Ends the stream once everything in it is read.
  func end(_ error: ControlError? = nil) {
    state.withLock { state in
      if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
      return state.takeReader()
    }?.resume()
  }

  /// What follows, until it is ended or the reading task is cancelled.
  func events() -> AsyncThrowingStream<JobEvent, any Error> {
    AsyncThrowingStream { try await self.next() }
  }

  private func next() async throws -> JobEvent? {
    while true {
      if let result = takeNext() { return try result.get() }
      await withTaskCancellationHandler {
        await withCheckedContinuation { reader in
          let resumesNow = state.withLock { state in
            let isReady =
              !state.kept.isEmpty || state.progress != nil || state.end != nil
              || state.isCancelled
            if !isReady { state.reader = reader }
            return isReady
          }
          if resumesNow { reader.resume() }
        }
      } onCancel: {
        state.withLock { state in
          state.isCancelled = true
          return state.takeReader()
        }?.resume()
      }
    }
  }

  /// The next event, the end, or nil when there is nothing yet.
  private func takeNext() -> Result<JobEvent?, ControlError>? {
    state.withLock { state in
      if state.isCancelled { return .success(nil) }
      if !state.kept.isEmpty { return .success(state.kept.removeFirst()) }
      if let progress = state.progress {
        state.progress = nil
        return .success(progress)
      }
      return state.end?.map { nil }
    }
  }
}
