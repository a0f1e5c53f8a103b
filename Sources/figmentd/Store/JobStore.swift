import Control
import FoundationEssentials
import Glibc
import Runs

/// The jobs on disk: a folder each, readable with `cat`.
///
/// Not safe to share: the daemon's actor owns it.
final class JobStore {
  private let folder: String
  private let output: String
  private var lastEvents: [JobID: JobEvent.ID] = [:]
  /// Jobs whose newest state is not on disk yet.
  private var unsaved: [JobID: Job] = [:]
  /// Where the releases of known jobs go, which may be another place than the output of now.
  private var releases: [JobID: String] = [:]

  /// What could not be read when the jobs were loaded.
  private(set) var remarks: [String] = []

  /// Keeps jobs in a folder, and tells new ones to release into `output`.
  init(folder: String, output: String) {
    self.folder = folder
    self.output = output
  }

  /// Where a job's files are.
  func directory(of job: JobID) -> JobDirectory {
    JobDirectory(
      job: job, path: "\(folder)/\(job)", release: releases[job] ?? "\(output)/\(job)")
  }

  /// Reads all jobs, in the order of their numbers, and clears away what a crash left half done.
  ///
  /// A job that cannot be read is remarked upon and left as it is.
  func load() throws -> [Job] {
    remarks = []
    var jobs: [Job] = []
    for name in try DurableFile.names(in: folder) {
      guard let id = JobID(name), id.number != nil else { continue }
      let file = directory(of: id).jobFile
      do {
        let data = try DurableFile.read(file)
        try Self.checkFormat(of: data, file)
        try StateSeal.check(data, of: file)
        let stored = try ControlCoding.decode(StoredJob.self, from: data)
        guard stored.job.id == id else {
          throw ControlError.invalid("it holds job '\(stored.job.id)'.")
        }
        try stored.requirePossible()
        releases[id] = place(of: stored)
        jobs.append(stored.job)
      } catch let error as SystemCallError where error.code == ENOENT {
        // Made by a submission that a crash cut off; nobody was told of it.
        rmdir(directory(of: id).path)
      } catch {
        remarks.append(
          "job \(id): its file cannot be read and is left as it is: \(ControlError(error))")
      }
    }
    return jobs.sorted { ($0.id.number ?? 0, $0.id.name) < ($1.id.number ?? 0, $1.id.name) }
  }

  /// Removes what interrupted work left in the folders of jobs and in the output.
  func sweep(_ jobs: [JobID]) {
    let state = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    Leftovers.sweep(state: state.joined(separator: "/"), output: output, jobs: jobs)
  }

  /// Where a job's release is, or will be.
  ///
  /// A job that has released nothing yet follows the output: the old one may be gone.
  private func place(of stored: StoredJob) -> String {
    let usual = "\(output)/\(stored.job.id)"
    guard let place = stored.place else { return usual }
    if stored.job.state.isFinished || access(place, F_OK) == 0 { return place }
    return usual
  }

  /// Makes a folder for a new job, with a number that no job ever had.
  ///
  /// The number is on disk before it is used: a job that is deleted by hand leaves a hole, since
  /// its name stands in the ledger. Numbers of releases count too: where the state was lost, they are
  /// all that is left of the jobs before, and none may be replaced.
  func makeJob(
    _ request: JobRequest, dataset: String, token: String?, at time: Date
  ) throws -> Job {
    let number = try nextNumber()
    let job = Job(
      id: JobID(dataset: dataset, number: number), request: request, dataset: dataset,
      token: token, created: time)
    let directory = directory(of: job.id)
    try DurableFile.makeFolder(directory.path)
    try DurableFile.flushFolder(of: directory.path)
    try save(job)
    return job
  }

  /// Stores where a job stands; it is on disk when this returns.
  func save(_ job: Job) throws {
    let record = try ControlCoding.encodeForPeople(
      Sealable(StoredJob(job, release: directory(of: job.id).release)))
    try DurableFile.write(StateSeal.seal(record), to: directory(of: job.id).jobFile)
    unsaved[job.id] = nil
  }

  /// Stores where a job stands, or remembers it until `saveRest` can.
  ///
  /// - Returns: why it is not on disk; nil when it is.
  func saveOrKeep(_ job: Job) -> (any Error)? {
    do {
      try save(job)
      return nil
    } catch {
      unsaved[job.id] = job
      return error
    }
  }

  /// Stores what could not be stored before.
  ///
  /// - Returns: why something is still not on disk; nil when everything is.
  func saveRest() -> (any Error)? {
    var problem: (any Error)?
    for job in unsaved.values { problem = saveOrKeep(job) ?? problem }
    return problem
  }

  /// Whether the newest state of some job is not on disk.
  var hasUnsaved: Bool { !unsaved.isEmpty }

  /// Takes a job's folder out of the store.
  ///
  /// - Returns: where it is now, to be removed; nil when there is none.
  func takeOut(_ job: JobID) throws -> String? {
    let path = directory(of: job).path
    let aside = "\(folder)/\(Leftovers.removedPrefix)\(job)"
    try FolderTree.remove(aside)
    guard access(path, F_OK) == 0 else { return nil }
    try systemCall("rename", path) { rename(path, aside) }
    try DurableFile.flushFolder(of: path)
    lastEvents[job] = nil
    unsaved[job] = nil
    releases[job] = nil
    return aside
  }

  /// Keeps something that happened, and gives it its number.
  func append(_ content: JobEvent.Content, of job: JobID, at time: Date) throws -> JobEvent {
    let id = try lastEvent(of: job) + 1
    let event = JobEvent(id: id, job: job, time: time, content: content)
    let path = directory(of: job).eventsFile
    let file = try systemCall("open", path) {
      open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    defer { close(file) }
    let line = StateSeal.seal(try ControlCoding.encode(Sealable(event))) + Data("\n".utf8)
    try DurableFile.writeAll(line, to: file, of: path)
    lastEvents[job] = id
    return event
  }

  /// The number of the newest kept event; 0 when there is none.
  func lastEvent(of job: JobID) throws -> JobEvent.ID {
    if let known = lastEvents[job] { return known }
    try cutTornEvent(of: job)
    let last = try events(of: job, after: 0).last?.id ?? 0
    lastEvents[job] = last
    return last
  }

  /// The kept events after a number, oldest first.
  ///
  /// A line that is damaged, or of a later version, becomes a note that says so: the others count.
  func events(of job: JobID, after: JobEvent.ID) throws -> [JobEvent] {
    let data: Data
    do {
      data = try DurableFile.read(directory(of: job).eventsFile)
    } catch let error as SystemCallError where error.code == ENOENT {
      return []
    }
    var events: [JobEvent] = []
    for line in data.split(separator: UInt8(ascii: "\n")) {
      let line = Data(line)
      do {
        let place = "line \(events.count + 1) of the job's history"
        try Self.checkFormat(of: line, place)
        try StateSeal.check(line, of: place)
        let event = try ControlCoding.decode(JobEvent.self, from: line)
        guard event.job == job else { throw ControlError.invalid("of job \(event.job).") }
        guard (1...Self.numberLimit).contains(event.id) else {
          throw ControlError.invalid("of number \(event.id).")
        }
        events.append(event)
      } catch {
        let last = events.last
        events.append(
          JobEvent(
            id: (last?.id ?? 0) + 1, job: job, time: last?.time ?? Date(timeIntervalSince1970: 0),
            content: .note("a line of the job's history cannot be read: \(ControlError(error))")))
      }
    }
    return events.filter { $0.id > after }
  }

  private static func checkFormat(of data: Data, _ subject: String) throws(ControlError) {
    guard let found = try? JSONDecoder().decode(StateFormat.Number.self, from: data).format else {
      return
    }
    try StateFormat.check(found, of: subject)
  }

  /// Removes the part of a line that a crash left at the end.
  private func cutTornEvent(of job: JobID) throws {
    let path = directory(of: job).eventsFile
    guard let data = try? DurableFile.read(path), let last = data.last,
      last != UInt8(ascii: "\n")
    else { return }
    let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    try systemCall("truncate", path) { truncate(path, whole) }
  }

  /// Larger numbers are names that people gave to other folders.
  private static let numberLimit = 1_000_000_000

  private func nextNumber() throws -> Int {
    let file = folder + "/last-number"
    var last = 0
    if let text = try? DurableFile.read(file),
      let number = Int(String(decoding: text, as: UTF8.self).filter { $0.isNumber }),
      number < Self.numberLimit
    {
      last = number
    }
    let places = [folder, output, output + "/internal"]
    let seen =
      try places.flatMap { try DurableFile.names(in: $0) }
      .compactMap { JobID($0)?.number }.filter { $0 < Self.numberLimit }.max() ?? 0
    let next = max(last, seen) + 1
    guard next < Self.numberLimit else {
      throw ControlError.failed(
        "\(file): no number is left for another job (up to \(Self.numberLimit - 1) expected). A folder that is "
          + "no job's, or this file, says so: remove it.")
    }
    try DurableFile.write(Data("\(next)\n".utf8), to: file)
    return next
  }
}
