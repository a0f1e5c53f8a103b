import Control
import FoundationEssentials
import Glibc
import Runs

/// The jobs on disk: one folder each, with text files.
///
/// Not thread-safe: the daemon's actor owns it.
final class JobStore {
  private let folder: String
  private let output: String
  private var lastEvents: [JobID: JobEvent.ID] = [:]
  /// The jobs whose newest state is not yet on disk.
  private var unsaved: [JobID: Job] = [:]
  /// The release paths of known jobs, which may be outside the current output.
  private var releases: [JobID: String] = [:]

  /// Jobs and events that could not be read when the jobs were loaded.
  private(set) var remarks: [String] = []

  /// Creates a store in a folder; new jobs release into `output`.
  init(folder: String, output: String) {
    self.folder = folder
    self.output = output
  }

  /// The paths of a job's files.
  func directory(of job: JobID) -> JobDirectory {
    JobDirectory(
      job: job, path: "\(folder)/\(job)", release: releases[job] ?? "\(output)/\(job)")
  }

  /// Reads all jobs in the order of their numbers, and removes incomplete files that a crash left.
  ///
  /// A job that cannot be read gets a remark and is left unchanged.
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
          throw ControlError.invalid("it contains job '\(stored.job.id)'.")
        }
        try stored.requirePossible()
        releases[id] = place(of: stored)
        jobs.append(stored.job)
      } catch let error as SystemCallError where error.code == ENOENT {
        // A crash interrupted its submission before the caller received a reply.
        rmdir(directory(of: id).path)
      } catch {
        remarks.append(
          "job \(id): cannot read its file, which is left unchanged: \(ControlError(error))")
      }
    }
    return jobs.sorted { ($0.id.number ?? 0, $0.id.name) < ($1.id.number ?? 0, $1.id.name) }
  }

  /// Removes files that interrupted work left in the folders of jobs and in the output.
  func sweep(_ jobs: [JobID]) {
    let state = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    Leftovers.sweep(state: state.joined(separator: "/"), output: output, jobs: jobs)
  }

  /// The path of a job's release, existing or planned.
  ///
  /// A job without a release uses the current output, because the old one may no longer exist.
  private func place(of stored: StoredJob) -> String {
    let usual = "\(output)/\(stored.job.id)"
    guard let place = stored.place else { return usual }
    if stored.job.state.isFinished || access(place, F_OK) == 0 { return place }
    return usual
  }

  /// Creates a folder for a new job, with a number that no job ever had.
  ///
  /// The number is stored before it is used: the number of a job that was deleted by hand is never reused,
  /// because the ledger contains its name. Numbers of releases count, too: if the state was lost, releases
  /// are the only trace of earlier jobs, and none may be replaced.
  func makeJob(
    _ request: JobRequest, dataset: String, token: String?, at time: Date, remarks: [String] = []
  ) throws -> Job {
    let number = try nextNumber()
    var job = Job(
      id: JobID(dataset: dataset, number: number), request: request, dataset: dataset,
      token: token, created: time)
    job.remarks = remarks.isEmpty ? nil : remarks
    let directory = directory(of: job.id)
    try DurableFile.makeFolder(directory.path)
    try DurableFile.flushFolder(of: directory.path)
    try save(job)
    return job
  }

  /// Stores a job durably.
  func save(_ job: Job) throws {
    let record = try ControlCoding.encodeForPeople(
      Sealable(StoredJob(job, release: directory(of: job.id).release)))
    try DurableFile.write(StateSeal.seal(record), to: directory(of: job.id).jobFile)
    unsaved[job.id] = nil
  }

  /// Stores a job, or keeps it until `saveRest` can store it.
  ///
  /// - Returns: the error if it is not on disk; nil if it is.
  func saveOrKeep(_ job: Job) -> (any Error)? {
    do {
      try save(job)
      return nil
    } catch {
      unsaved[job.id] = job
      return error
    }
  }

  /// Stores the jobs that could not be stored before.
  ///
  /// - Returns: the error if a job is still not on disk; nil if all are.
  func saveRest() -> (any Error)? {
    var problem: (any Error)?
    for job in unsaved.values { problem = saveOrKeep(job) ?? problem }
    return problem
  }

  /// Whether the newest state of some job is not on disk.
  var hasUnsaved: Bool { !unsaved.isEmpty }

  /// Moves a job's folder out of the store.
  ///
  /// - Returns: its new path, to be deleted; nil if there is no folder.
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

  /// Stores an event and assigns its number.
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

  /// The number of the newest kept event; 0 if there is none.
  func lastEvent(of job: JobID) throws -> JobEvent.ID {
    if let known = lastEvents[job] { return known }
    try cutTornEvent(of: job)
    let last = try events(of: job, after: 0).last?.id ?? 0
    lastEvents[job] = last
    return last
  }

  /// The kept events after a number, oldest first.
  ///
  /// A line that is damaged or of a later version becomes a note about it; the other events remain.
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
        guard event.job == job else {
          throw ControlError.invalid("it belongs to job \(event.job).")
        }
        guard (1...Self.numberLimit).contains(event.id) else {
          throw ControlError.invalid("it has number \(event.id).")
        }
        events.append(event)
      } catch {
        let last = events.last
        events.append(
          JobEvent(
            id: (last?.id ?? 0) + 1, job: job, time: last?.time ?? Date(timeIntervalSince1970: 0),
            content: .note("cannot read a line of the job's history: \(ControlError(error))")))
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

  /// Removes an incomplete last line that a crash left.
  private func cutTornEvent(of job: JobID) throws {
    let path = directory(of: job).eventsFile
    guard let data = try? DurableFile.read(path), let last = data.last,
      last != UInt8(ascii: "\n")
    else { return }
    let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    try systemCall("truncate", path) { truncate(path, whole) }
  }

  /// Larger numbers belong to folders that users named.
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
        "\(file): no number is left for another job (up to \(Self.numberLimit - 1) expected). This file, or a "
          + "folder with a job's name, contains a number that is too large. Remove it.")
    }
    try DurableFile.write(Data("\(next)\n".utf8), to: file)
    return next
  }
}
