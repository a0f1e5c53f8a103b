import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import Runs
@testable import figmentd

@Suite struct SystemdNotifierTests {
  /// A datagram socket like systemd's, in the file system or abstract.
  private func receive(
    isAbstract: Bool, _ body: (SystemdNotifier) -> Void
  ) throws -> [String] {
    let scratch = ScratchFolder()
    let path =
      isAbstract
      ? "@figment-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      : scratch.path + "/notify"
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    try withAddress(of: path, isAbstract: isAbstract) { address, length in
      _ = try systemCall("bind", path) { bind(descriptor, address, length) }
    }
    body(SystemdNotifier(environment: ["NOTIFY_SOCKET": path], process: getpid()))
    var messages: [String] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return messages }
      messages.append(String(decoding: buffer[..<count], as: UTF8.self))
    }
  }

  @Test(arguments: [false, true]) func everyMessageArrives(_ isAbstract: Bool) throws {
    let messages = try receive(isAbstract: isAbstract) { notifier in
      notifier.ready()
      notifier.status("step 3\nof 4")
      notifier.watchdog()
      notifier.extendTimeout(by: .seconds(60))
      notifier.stopping()
    }
    #expect(
      messages == [
        "READY=1", "STATUS=step 3 of 4", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000",
        "STOPPING=1",
      ])
  }

  @Test func reloadingCarriesTheTimeThatSystemdWants() throws {
    let messages = try receive(isAbstract: false) { $0.reloading() }
    let lines = messages.first?.split(separator: "\n") ?? []
    #expect(lines.first == "RELOADING=1")
    #expect(lines.last?.hasPrefix("MONOTONIC_USEC=") ?? false)
    #expect(lines.last?.split(separator: "=").last.flatMap { Int64($0) } ?? 0 > 0)
  }

  @Test func withoutSystemdNothingHappens() {
    let notifier = SystemdNotifier(environment: [:], process: 1)
    notifier.ready()
    SystemdNotifier(environment: ["NOTIFY_SOCKET": "/nowhere/at/all"], process: 1).ready()
    #expect(notifier.watchdogInterval == nil)
  }

  @Test func theWatchdogIsForOneProcess() {
    func interval(_ process: String?) -> Duration? {
      var environment = ["WATCHDOG_USEC": "60000000"]
      environment["WATCHDOG_PID"] = process
      return SystemdNotifier(environment: environment, process: 42).watchdogInterval
    }
    #expect(interval("42") == .seconds(60))
    #expect(interval(nil) == .seconds(60))
    #expect(interval("43") == nil)
  }
}

@Suite struct WatchdogTests {
  @Test func onlyProgressIsHeard() {
    var listener = PulseListener()
    func hears(_ count: UInt64, _ isBusy: Bool) -> Bool {
      listener.hearsProgress(count: count, isBusy: isBusy)
    }
    #expect(hears(0, false))
    #expect(hears(0, false), "an idle daemon that answers is well")
    #expect(hears(0, true), "a job was just taken")
    #expect(!hears(0, true), "it is stuck")
    #expect(!hears(0, true))
    #expect(hears(1, true), "it got on")
    #expect(!hears(1, true))
    #expect(hears(1, false))
  }

  @Test func theStatusLine() {
    #expect(StatusLine.text(running: nil, queued: 0) == "idle")
    var job = Job(
      id: JobID(dataset: "glyphs", number: 7), request: TestHouse.training, dataset: "glyphs",
      created: .distantPast)
    #expect(StatusLine.text(running: job, queued: 2) == "glyphs-7: starting, 2 waiting")
    job.progress = JobProgress(
      phase: .train, done: 1200, total: 4000, plannedEpsilon: 0.8312, targetEpsilon: 2,
      remainingSeconds: 11_520)
    #expect(
      StatusLine.text(running: job, queued: 0)
        == "glyphs-7: train, 1200/4000, epsilon 0.831 of 2, 3 h 12 min left")
  }
}

@Suite struct JournalLogTests {
  @Test func theJournalGetsPrioritiesAndOneLine() {
    var log = JournalLog(level: .info, isForJournal: true)
    log[metadataKey: "job"] = "glyphs-7"
    #expect(
      log.line(.warning, "disk\nfull", ["free": "0"], at: .distantPast)
        == "<4>disk\\nfull free=0 job=glyphs-7\n")
    #expect(log.line(.debug, "x", nil, at: .distantPast) == "<7>x job=glyphs-7\n")
  }

  @Test func othersGetTheTime() {
    let log = JournalLog(level: .info, isForJournal: false)
    let time = Date(timeIntervalSince1970: 1_700_000_000)
    #expect(log.line(.error, "x", nil, at: time) == "2023-11-14T22:13:20Z error x\n")
  }
}

@Suite struct YieldingTests {
  @Test func longWorkYieldsAndWhatAnswersDoesNot() async throws {
    let thread = __priority_which_t(PRIO_PROCESS.rawValue)
    let usual = getpriority(thread, 0)
    let quick = try await SerialThread(named: "quick").run { getpriority(thread, 0) }
    let long = try await SerialThread(named: "long", yields: true).run { getpriority(thread, 0) }
    #expect(quick <= max(0, usual))
    #expect(long == max(10, usual))
  }
}

@Suite struct CheckReportTests {
  /// systemd does not restart after a configuration error, so a missing group is one.
  @Test func aGroupThatIsMissingIsAnErrorOfTheConfiguration() throws {
    let scratch = ScratchFolder()
    for key in ["socket: {group: no-such-group}", "release: {group: no-such-group}"] {
      let file = try scratch.write("config.yaml", key)
      let options = try ConfigurationOptions.parse(["--config", file])
      let error = #expect(throws: ConfigurationError.self) {
        try options.readForService(.ofThisProcess())
      }
      #expect(error?.file == file)
      #expect(error?.message.contains("group 'no-such-group' is unknown") == true)
    }
  }

  @Test func reports() {
    #expect(
      CheckReport(of: TestHouse.configuration).text
        .hasPrefix("configuration is valid; datasets: glyphs, strict"))
    let broken = CheckReport(error: "config.yaml:3: broken")
    #expect(!broken.valid)
    #expect(broken.text == "config.yaml:3: broken")
  }
}
