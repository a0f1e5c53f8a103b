/// Replies for callers with read access only, without counts of real files.
///
/// Private data determine the numbers of a dataset's files and the progress through them. Members of the read
/// group receive only values that plans, recipes and ledgers determine.

extension DatasetStatus {
  /// The same without numbers of real files, without names of classes that were found with them, and without
  /// the time of the last scan, which depends on changes of the files.
  public var withoutCounts: DatasetStatus {
    var status = self
    status.usable = nil
    status.rejected = nil
    status.duplicates = nil
    status.pending = nil
    status.classes = nil
    status.bytes = nil
    status.scanned = nil
    status.folderRemarks = nil
    return status
  }
}

extension PlanReport {
  /// The same without findings about the folder of images.
  public var withoutCounts: PlanReport {
    var report = self
    report.usableImages = nil
    report.tooSmallImages = nil
    report.folderRemarks = nil
    return report
  }
}

extension Recommendation {
  /// The same without findings about the folder of images.
  public var withoutCounts: Recommendation {
    var advice = self
    advice.images = nil
    advice.isColoured = nil
    return advice
  }
}

extension JobProgress {
  /// The same, except that a phase that processes real files keeps only its name: even shares of the whole
  /// reveal a small number of files (a third is done after one of three).
  public var withoutCounts: JobProgress {
    guard phase.countsRealImages else { return self }
    return JobProgress(phase: phase, done: 0, total: 0, checkpoint: checkpoint)
  }
}

extension Job {
  /// The same, with progress without numbers of real files.
  public var withoutCounts: Job {
    var job = self
    job.progress = progress?.withoutCounts
    return job
  }
}

extension DaemonStatus {
  /// The same, with a running job without numbers of real files.
  public var withoutCounts: DaemonStatus {
    var status = self
    status.running = running?.withoutCounts
    return status
  }
}

extension JobEvent {
  /// The same, with progress without numbers of real files.
  public var withoutCounts: JobEvent {
    guard case .progress(let progress) = content else { return self }
    return JobEvent(id: id, job: job, time: time, content: .progress(progress.withoutCounts))
  }
}
