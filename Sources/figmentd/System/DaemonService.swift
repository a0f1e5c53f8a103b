import Control
import Logging
import ServiceLifecycle
import UnixSignals

/// Runs the dataset keepers and, at shutdown, lets the running job write its checkpoint.
struct DaemonService: Service {
  let daemon: Daemon
  let notifier: SystemdNotifier

  /// The interval of requests to systemd for more time while a checkpoint is written.
  private static let patience = Duration.seconds(30)

  func run() async throws {
    await daemon.keepDatasets()
    let retention = Task { await daemon.retain() }
    notifier.ready()
    try? await gracefulShutdown()
    notifier.stopping()
    retention.cancel()
    let asking = Task {
      while !Task.isCancelled {
        notifier.extendTimeout(by: Self.patience * 2)
        try? await Task.sleep(for: Self.patience)
      }
    }
    await daemon.stop()
    asking.cancel()
    await daemon.releaseDatasets()
  }
}

/// Reloads the configuration on SIGHUP; an invalid one changes nothing.
struct ReloadService: Service {
  let daemon: Daemon
  let notifier: SystemdNotifier
  let logger: Logger
  let read: @Sendable () throws -> Configuration

  func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      await reload()
    }
  }

  /// Applies the current configuration.
  func reload() async {
    notifier.reloading()
    do {
      await daemon.adopt(try read())
      logger.info("configuration reloaded")
    } catch {
      await daemon.refuse(error)
    }
    notifier.ready()
  }
}
