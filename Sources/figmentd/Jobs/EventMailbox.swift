import Control
import Synchronization

/// The unread events of one follower of a job.
///
/// Kept events wait in order. Newer progress replaces older progress, so that a slow follower sees the
/// current state and needs no memory.
final class EventMailbox: Sendable {
  /// The maximum number of waiting events; a follower further behind is disconnected.
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

  /// Creates a mailbox that starts with earlier events.
  init(history: [JobEvent]) {
    state = Mutex(State(kept: history))
  }

  /// Adds an event.
  func put(_ event: JobEvent) {
    state.withLock { state in
      guard state.end == nil else { return nil as CheckedContinuation<Void, Never>? }
      if case .progress = event.content {
        state.progress = event
      } else {
        state.kept.append(event)
        // Drop pending progress, which would follow the end of its state.
        state.progress = nil
        if state.kept.count > Self.maximumWaiting {
          state.end = .failure(.busy("event stream: the reader is too slow. Follow the job again."))
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

  /// The following events, until the mailbox ends or the reading task is cancelled.
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

  /// The next event, the end, or nil if there is nothing yet.
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
