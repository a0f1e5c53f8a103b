import Datasets
import Glibc
import Runs
import Synchronization

/// Decodes in a child process, so that a file that crashes the decoder results in a verdict and does not
/// crash the daemon.
///
/// The child runs this program with a hidden command. It confines itself before it reads a byte
/// (`DecodeWorker`), receives no path or name, and is replaced when it dies, hangs or sends an invalid
/// answer, and periodically in any case. There is one process per thread.
final class DecoderProcess: ImageDecoder {
  /// Files that killed a decoder twice, shared by the processes of one daemon.
  final class Poisoned: Sendable {
    private let hashes = Mutex<Set<ContentHash>>([])

    /// Creates an empty list.
    init() {}

    var isEmpty: Bool { hashes.withLock { $0.isEmpty } }
    func contains(_ hash: ContentHash) -> Bool { hashes.withLock { $0.contains(hash) } }
    func insert(_ hash: ContentHash) { hashes.withLock { _ = $0.insert(hash) } }
  }

  /// The hidden command of `figmentd`.
  static let verb = "decode-worker"
  /// A process is replaced after this many files, so that no effect of a file lasts.
  private static let filesPerProcess = 100_000
  /// A file that killed this many processes is not tried again.
  private static let deathsPerFile = 2

  private let executable: String
  private let arguments: [String]
  private let silence: Int
  private let poisoned: Poisoned
  private var child: DecoderChild?
  private var decodedCount = 0

  /// Creates a decoder; its process starts with the first file.
  ///
  /// - Parameters:
  ///   - executable: the program; the default is the one that runs.
  ///   - silence: seconds after which a child that does not answer is ended.
  init(
    executable: String = "/proc/self/exe", arguments: [String] = ["figmentd", DecoderProcess.verb],
    silence: Int = 60, poisoned: Poisoned = Poisoned()
  ) {
    self.executable = executable
    self.arguments = arguments
    self.silence = silence
    self.poisoned = poisoned
  }

  /// The child's process ID; nil while there is none.
  var processIdentifier: pid_t? { child?.identifier }

  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome] {
    if poisoned.isEmpty {
      do {
        return try attempt(files, transform, pixels)
      } catch is DecoderConnection.Loss {
        // Trying the files one by one will reveal which file it was.
      }
    }
    return try (0..<files.count).map { index in
      let start = index * transform.byteCount
      let place = UnsafeMutableBufferPointer(
        rebasing: pixels[start..<(start + transform.byteCount)])
      return try decodeAlone(files[index], transform, place)
    }
  }

  private func decodeAlone(
    _ bytes: UnsafeRawBufferPointer, _ transform: ImageTransform,
    _ place: UnsafeMutableBufferPointer<UInt8>
  ) throws -> DecodeOutcome {
    let hash = ContentHash(of: bytes)
    if poisoned.contains(hash) { return .failed(.decoderDied) }
    let alone = EncodedImages(capacity: bytes.count)
    alone.append(bytes)
    var failure = DecodeFailure.decoderDied
    for _ in 0..<Self.deathsPerFile {
      do {
        return try attempt(alone, transform, place)[0]
      } catch let loss as DecoderConnection.Loss {
        failure = loss == .timedOut || child?.ending == .outOfTime ? .timedOut : .decoderDied
      }
    }
    poisoned.insert(hash)
    return .failed(failure)
  }

  /// Sends one request to a running child.
  ///
  /// - Throws: `DecoderConnection.Loss` if the child has ended; `DatasetError` if none can be started.
  private func attempt(
    _ files: EncodedImages, _ transform: ImageTransform,
    _ pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome] {
    if decodedCount >= Self.filesPerProcess { child = nil }
    let current = try livingChild()
    do {
      let outcomes = try current.connection.decode(files, with: transform, into: pixels)
      decodedCount += files.count
      return outcomes
    } catch {
      current.end()
      throw error
    }
  }

  private func livingChild() throws -> DecoderChild {
    if let child, child.ending == nil { return child }
    let started = try DecoderChild(executable, arguments, silence: silence)
    child = started
    decodedCount = 0
    return started
  }
}

/// A running worker and the socket to it.
private final class DecoderChild {
  /// How a child ended.
  enum Ending {
    case outOfTime
    case otherwise
  }

  let connection: DecoderConnection
  private let process: ChildProcess

  var identifier: pid_t { process.identifier }

  /// How it ended; nil while it runs.
  var ending: Ending? {
    process.ending.map { $0 == .killed(SIGXCPU) ? .outOfTime : .otherwise }
  }

  init(_ executable: String, _ arguments: [String], silence: Int) throws {
    let (ours, theirs) = try Self.channel()
    connection = DecoderConnection(socket: ours, silence: silence)
    // Close our copy before waiting; otherwise the end of the child would not end the wait.
    do {
      defer { close(theirs) }
      // No error output, because a crash report could contain pixels, and no environment. The worker
      // closes any other descriptor before it reads.
      process = try ChildProcess(
        executable, arguments, environment: ["SWIFT_BACKTRACE=enable=no"], input: theirs,
        output: theirs, error: nil)
    } catch let error as SystemCallError {
      throw DatasetError.decoderUnavailable(
        finding: "its process cannot be started (\(String(cString: strerror(error.code))))")
    }
    do {
      guard try connection.awaitHello() else {
        throw DatasetError.decoderUnavailable(finding: "its process could not confine itself")
      }
    } catch let loss as DecoderConnection.Loss {
      end()
      throw DatasetError.decoderUnavailable(finding: "its process did not start (\(loss))")
    } catch {
      end()
      throw error
    }
  }

  /// Kills the process and waits for it; a child that ended by itself keeps its own exit status.
  func end() { process.kill() }

  private static func channel() throws -> (CInt, CInt) {
    do { return try ChildProcess.channel() } catch let error as SystemCallError {
      throw DatasetError.systemCallFailed(
        call: "opening", path: "the decoder's socket", errno: error.code)
    }
  }
}
