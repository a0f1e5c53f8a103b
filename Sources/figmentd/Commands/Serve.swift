import ArgumentParser
import Control
import Glibc
import Logging
import Runs
import ServiceLifecycle
import UnixSignals

/// Runs the daemon until it is stopped.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the daemon.")

  @OptionGroup var configuration: ConfigurationOptions

  @Option(
    help:
      "The folder for jobs, checkpoints and ledgers. (default: \(Locations.ofThisProcess().state))",
    completion: .directory)
  var state: String?

  @Option(
    help:
      "The control socket. (default: the configuration's, else \(Locations.ofThisProcess().socket))",
    completion: .file())
  var socket: String?

  @Option(
    help: "The lowest level to log: trace, debug, info, notice, warning, error or critical.",
    transform: Self.level)
  var logLevel = Logger.Level.info

  func run() async throws {
    Process.prepare()
    let isForJournal = JournalLog.isConnectedToJournal()
    let level = logLevel
    LoggingSystem.bootstrap { _ in JournalLog(level: level, isForJournal: isForJournal) }
    let logger = Logger(label: "figmentd")
    do {
      try await serve(logger)
    } catch let error as ConfigurationError {
      logger.critical("\(ControlError(error).message)")
      throw ArgumentParser.ExitCode(Self.configurationExitCode)
    } catch {
      logger.critical("\(ControlError(error).message)")
      throw ArgumentParser.ExitCode.failure
    }
  }

  /// systemd does not restart after this code (`RestartPreventExitStatus=`): `EX_CONFIG` of sysexits.h.
  private static let configurationExitCode: Int32 = 78

  private func serve(_ logger: Logger) async throws {
    let locations = Locations.ofThisProcess()
    let settings = try configuration.readForService(locations)
    let stateFolder = try WorkingFolder.absolute(self.state ?? locations.state)
    let state = try StateDirectory(
      stateFolder, holdsReleases: WorkingFolder.overlap(settings.output, stateFolder),
      patience: .seconds(5))
    let daemon = try Daemon(
      configuration: settings, state: state,
      engine: try Assembly.engine(settings, state), reader: Assembly.reader(), logger: logger)
    let groups = try settings.socketGroups()
    let controlSocket = try openSocket(settings.socket, groups.control, locations)
    let access = AccessPolicy(
      owner: geteuid(), controlGroup: groups.control, readGroup: groups.read)
    await daemon.prepareOutput(inState: stateFolder)
    try await daemon.start()
    let server = try await ControlServer.start(
      on: controlSocket, routes: Routes(api: daemon, access: access, logger: logger),
      logger: logger)
    let notifier = SystemdNotifier.ofThisProcess()
    logger.info(
      "listening \(Version.current)",
      metadata: [
        "threads": "\(settings.threads ?? Processors.granted)",
        "memory_limit": "\(MemoryLimit.bytes.map(String.init) ?? "none")",
      ])
    Process.exitOnSecondSignal(logger)
    let reload = ReloadService(daemon: daemon, notifier: notifier, logger: logger) {
      [configuration] in try configuration.readForService(locations)
    }
    // Services stop in reverse order: the job writes its checkpoint while the socket still answers,
    // and the watchdog is notified until the end.
    let group = ServiceGroup(
      services: [
        Watchdog(daemon: daemon, notifier: notifier), server, reload,
        DaemonService(daemon: daemon, notifier: notifier),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() })
    try await group.run()
    withExtendedLifetime(state) { logger.info("stopped") }
  }

  private static func level(_ name: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: name) else {
      throw ValidationError(
        "log level '\(name)': unknown (one of those in 'figmentd serve --help' expected).")
    }
    return level
  }

  private func openSocket(
    _ settings: SocketConfiguration, _ group: gid_t?, _ locations: Locations
  ) throws -> ControlSocket {
    if let inherited = ControlSocket.inherited() { return inherited }
    return try ControlSocket.make(
      at: socket ?? settings.path ?? locations.socket, mode: mode_t(settings.mode),
      group: group)
  }
}
