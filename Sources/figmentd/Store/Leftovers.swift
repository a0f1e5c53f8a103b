import Control
import FoundationEssentials
import Glibc
import Runs

/// Removes leftovers of a daemon, beside those of its runs.
extension Leftovers {
  /// The name prefix of a job's folder while it is deleted.
  static let removedPrefix = ".removed-"

  /// Removes leftovers from a state directory and its output, which no other daemon may be using.
  ///
  /// - Parameter jobs: the known jobs.
  static func sweep(state: String, output: String, jobs: [JobID]) {
    removeFile("\(state)/format\(DurableFile.temporarySuffix)")
    let folder = state + "/jobs"
    removeFile("\(folder)/last-number\(DurableFile.temporarySuffix)")
    for name in names(in: folder) {
      let path = "\(folder)/\(name)"
      if name.hasPrefix(removedPrefix), JobID(String(name.dropFirst(removedPrefix.count))) != nil {
        removeFolder(path)
      } else if let id = JobID(name), id.number != nil {
        removeFile("\(path)/job.json\(DurableFile.temporarySuffix)")
        sweep(internalFiles: path + "/internal", checkpoints: path + "/checkpoints")
      }
    }
    sweepMarks(ledgers: state + "/ledgers", marks: state + "/ledger-marks")
    for folder in [output, output + "/internal"] {
      for name in names(in: folder) where isUnfinishedSet(name) {
        removeFolder("\(folder)/\(name)")
      }
      for job in jobs { EarlierSet.remove("\(folder)/\(job)\(DurableFile.temporarySuffix)") }
    }
  }

  /// Removes the pixels of real images and the checkpoints of a job that will never continue.
  static func discardPrivateFiles(of job: JobDirectory) {
    sweep(internalFiles: job.internalFiles, checkpoints: job.checkpoints)
    removeFile(job.internalFiles + "/images.pack")
    try? CheckpointFolder(path: job.checkpoints).clear()
  }
}

/// The unfinished set of an earlier version, `JOB.tmp` beside the releases.
///
/// A user's folder could have the same name, so it is removed only if figment wrote every file in it: its
/// images carry the mark of synthetic images.
private enum EarlierSet {
  private static let names: Set = [
    "README.md", "privacy.json", "PRIVACY.md", "report.html", "report.json", "manifest.json",
    "metadata.jsonl", "class_counts.json", "score.json", "model/generator.safetensors",
  ]
  private static let mark = Array("trainedAlgorithmicMedia".utf8)

  static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      let files = try? FolderTree.files(in: path), !files.isEmpty,
      files.allSatisfy({ isOurs($0, in: path) })
    else { return }
    try? FolderTree.remove(path)
  }

  private static func isOurs(_ name: String, in folder: String) -> Bool {
    if names.contains(name) { return true }
    guard name == "samples.png" || (name.hasPrefix("data/") && name.hasSuffix(".png")) else {
      return false
    }
    // A crash may have left an empty image file.
    guard let data = try? DurableFile.read("\(folder)/\(name)") else { return false }
    return data.isEmpty || data.prefix(4096).firstRange(of: mark) != nil
  }
}
