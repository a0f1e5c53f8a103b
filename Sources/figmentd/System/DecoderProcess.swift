import Datasets
import Glibc
import Runs
import Synchronization

/// Decodes in a child process, so that a file on which a decoder crashes costs a verdict and not the
/// daemon.
///
/// The child is this program again with a hidden verb. It shuts itself in before it reads a byte
/// (`DecodeWorker`), knows no path and no name, and is replaced when it dies, hangs or lies, and
/// now and then in any case. One process per thread.
final class DecoderProcess: ImageDecoder {
  /// Files on which a decoder died twice, shared by the processes of one daemon.
  final class Poisoned: Sendable {
    private let hashes = Mutex<Set<ContentHash>>([])

    /// No files.
    init() {}

    var isEmpty: Bool { hashes.withLock { $0.isEmpty } }
    func contains(_ hash: ContentHash) -> Bool { hashes.withLock { $0.contains(hash) } }
    func insert(_ hash: ContentHash) { hashes.withLock { _ = $0.insert(hash) } }
  }

  /// The hidden verb of `figmentd`.
  static let verb = "decode-worker"
  /// A process is replaced after this many files, so that nothing lasts that a file left in it.
  private static let filesPerProcess = 100_000
  /// A file that ends this many processes is not tried again.
  private static let deathsPerFile = 2

  private let executable: String
  private let arguments: [String]
  private let silence: Int
  private let poisoned: Poisoned
  private var child: DecoderChild?
  private var decodedCount = 0

  /// A decoder; its process starts with the first file.
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

  /// The child's process number, nil while there is none.
  var processIdentifier: pid_t? { child?.identifier }

  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome] {
    if poisoned.isEmpty {
      do {
        return try attempt(files, transform, pixels)
      } catch is DecoderConnection.Loss {
        // Which file it was shows when they are tried one by one.
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

  /// One request to a living child.
  ///
  /// - Throws: `DecoderConnection.Loss` after the child has ended; `DatasetError` when none starts.
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
    // Closed before anything is awaited: only then does the death of the child end the wait.
    do {
      defer { close(theirs) }
      // No error output, since a crash report would show pixels, and no environment. The worker
      // closes what is left before it reads.
      process = try ChildProcess(
        executable, arguments, environment: ["SWIFT_BACKTRACE=enable=no"], input: theirs,
        output: theirs, error: nil)
    } catch let error as SystemCallError {
      throw DatasetError.decoderUnavailable(
        finding: "cannot be started (\(String(cString: strerror(error.code))))")
    }
    do {
      guard try connection.awaitHello() else {
        throw DatasetError.decoderUnavailable(finding: "the child could not shut itself in")
      }
    } catch let loss as DecoderConnection.Loss {
      end()
      throw DatasetError.decoderUnavailable(finding: "the child did not start (\(loss))")
    } catch {
      end()
      throw error
    }
  }

  /// Ends the process and waits for it.
  ///
  /// A child that died by itself keeps its own reason: the signal then meets a dead process.
  func end() { process.kill() }

  private static func channel() throws -> (CInt, CInt) {
    do { return try ChildProcess.channel() } catch let error as SystemCallError {
      throw DatasetError.systemCallFailed(
        call: "opening", path: "the decoder's socket", errno: error.code)
    }
  }
}
