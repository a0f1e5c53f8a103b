import Compute
import Datasets
import Evaluation
import Foundation
import Glibc
import Testing

@testable import Runs
@testable import figmentd

@Suite struct DecoderProcessTests {
  private static let transform = ImageTransform(height: 2, width: 2, channels: .grey)

  private func image(_ shade: UInt8) -> [UInt8] {
    PNGEncoder().encode(
      Image(
        shape: ImageShape(height: 2, width: 2, channels: 1),
        bytes: [shade, shade, shade, shade]))
  }

  private func decode(_ decoder: DecoderProcess, _ files: [[UInt8]]) throws
    -> (outcomes: [DecodeOutcome], pixels: [UInt8])
  {
    let encoded = EncodedImages()
    for file in files { file.withUnsafeBytes { encoded.append($0) } }
    var pixels = [UInt8](repeating: 0, count: 4 * files.count)
    let outcomes = try pixels.withUnsafeMutableBufferPointer {
      try decoder.decode(encoded, with: Self.transform, into: $0)
    }
    return (outcomes, pixels)
  }

  /// A child that sends a worker's greeting and then runs `script`.
  private func impostor(_ script: String, silence: Int = 20) -> DecoderProcess {
    let greeting = "printf 'FDW2\\002\\000\\000\\000'; "
    return DecoderProcess(
      executable: "/bin/sh", arguments: ["sh", "-c", greeting + script], silence: silence)
  }

  /// The program itself, beside the tests.
  private func worker() throws -> DecoderProcess { DecoderProcess(executable: try program()) }

  private func program() throws -> String {
    let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
    let program = folder.appendingPathComponent("figmentd").path
    try #require(FileManager.default.isExecutableFile(atPath: program))
    return program
  }

  private struct OddImages: Decodable {
    struct File: Decodable { let data: Data }
    let files: [File]
  }

  /// Profiles are unpacked and applied, and metadata is read, with the system calls that a child may make.
  @Test func aChildThatIsShutInReadsOddFilesAsTheCodecDoes() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let json = try Data(contentsOf: folder.appendingPathComponent("Golden/odd/odd.json"))
    let files = try JSONDecoder().decode(OddImages.self, from: json).files.map { Array($0.data) }
    let encoded = EncodedImages()
    for file in files { file.withUnsafeBytes { encoded.append($0) } }
    var here = [UInt8](repeating: 0, count: 4 * files.count)
    let expected = here.withUnsafeMutableBufferPointer {
      ImageCodec().decode(encoded, with: Self.transform, into: $0)
    }
    let (outcomes, pixels) = try decode(worker(), files)
    #expect(outcomes == expected)
    #expect(pixels == here)
    #expect(files.count == 231)
  }

  @Test func aChildDecodesAsTheCodecDoesAndIsReplacedWhenItDies() throws {
    let decoder = try worker()
    var files = (0..<40).map { image(UInt8($0)) }
    files[7] = [1, 2, 3]
    var children: Set<pid_t> = []
    for _ in 0..<4 {
      let (outcomes, pixels) = try decode(decoder, files)
      #expect(outcomes[7] == .failed(.notAnImage))
      #expect(outcomes.filter { $0 == .decoded(height: 2, width: 2) }.count == 39)
      #expect(Array(pixels[..<4]) == [0, 0, 0, 0])
      #expect(Array(pixels.suffix(4)) == [39, 39, 39, 39])
      let child = try #require(decoder.processIdentifier)
      children.insert(child)
      kill(child, SIGSEGV)
    }
    #expect(children.count == 4)
  }

  @Test func aChildIsShutInBeforeItReads() throws {
    let decoder = try worker()
    _ = try decode(decoder, [image(1)])
    let child = try #require(decoder.processIdentifier)
    let status = try String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
    #expect(status.contains("NoNewPrivs:\t1"))
    #expect(status.contains("Seccomp:\t2"))
    let limits = try String(contentsOfFile: "/proc/\(child)/limits", encoding: .utf8)
    let lines = limits.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    func hasLimit(_ words: [String], _ value: String) -> Bool {
      lines.contains { $0.starts(with: words) && $0.dropFirst(words.count).first == value }
    }
    #expect(hasLimit(["Max", "core", "file", "size"], "0"))
    #expect(hasLimit(["Max", "file", "size"], "0"))
    #expect(hasLimit(["Max", "address", "space"], "2147483648"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child)/fd").count == 3)
  }

  /// Each compression and colour space runs different code, and none may need a forbidden call.
  @Test func aChildReadsEveryFormatInsideItsWalls() throws {
    let decoder = try worker()
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Golden")
    var files: [[UInt8]] = []
    for name in ["formats", "images"] {
      let folder = golden.appendingPathComponent(name)
      for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      where !file.hasSuffix(".py") && !file.hasSuffix(".json") {
        files.append(Array(try Data(contentsOf: folder.appendingPathComponent(file))))
      }
    }
    #expect(files.count == 198 + 53)
    _ = try decode(decoder, [image(1)])
    let child = try #require(decoder.processIdentifier)
    let (outcomes, pixels) = try decode(decoder, files)
    #expect(decoder.processIdentifier == child)
    let encoded = EncodedImages()
    for file in files { file.withUnsafeBytes { encoded.append($0) } }
    var here = [UInt8](repeating: 0, count: pixels.count)
    let expected = here.withUnsafeMutableBufferPointer {
      ImageCodec().decode(encoded, with: Self.transform, into: $0)
    }
    #expect(outcomes == expected)
    #expect(pixels == here)
    #expect(!outcomes.contains { if case .failed = $0 { true } else { false } })
  }

  @Test func aFileThatEndsTwoChildrenIsNotTriedAgain() throws {
    let log = NSTemporaryDirectory() + "/figment-decoder-\(getpid())"
    defer { unlink(log) }
    let decoder = impostor("echo x >> '\(log)'; head -c 1 > /dev/null; kill -SEGV $$")
    let died = DecodeOutcome.failed(.decoderDied)
    #expect(try decode(decoder, [image(1), image(2)]).outcomes == [died, died])
    // Once for both together, twice for each one.
    #expect(try String(contentsOfFile: log, encoding: .utf8) == "x\nx\nx\nx\nx\n")
    #expect(try decode(decoder, [image(2), image(1)]).outcomes == [died, died])
    #expect(try String(contentsOfFile: log, encoding: .utf8).count == 10)
  }

  /// A file that crashes the decoder of a library; see Golden/hostile/README.md.
  private func deadlyFile() throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appendingPathComponent("Golden/hostile/lerc-division.tif")
    return Array(try Data(contentsOf: file))
  }

  @Test func aFileThatEndsTheDecoderOfALibraryGetsAVerdict() throws {
    let decoder = try worker()
    let (outcomes, pixels) = try decode(decoder, [image(1), try deadlyFile(), image(3)])
    #expect(outcomes[0] == .decoded(height: 2, width: 2))
    #expect(outcomes[2] == .decoded(height: 2, width: 2))
    // A library without the fault treats the file as damaged.
    guard case .failed = outcomes[1] else {
      Issue.record("\(outcomes[1])")
      return
    }
    #expect(Array(pixels[..<4]) == [1, 1, 1, 1] && Array(pixels[8...]) == [3, 3, 3, 3])
  }

  @Test func aScanGoesOnAfterAFileThatEndsTheDecoder() throws {
    let scratch = ScratchFolder()
    let images = scratch.path + "/images"
    for name in ["cats", "dogs"] {
      let folder = "\(images)/\(name)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for shade in 0..<3 {
        let own = UInt8(shade * 10 + name.count + (name == "cats" ? 0 : 100))
        try Data(image(own)).write(to: URL(fileURLWithPath: "\(folder)/\(shade).png"))
      }
    }
    try Data(deadlyFile()).write(to: URL(fileURLWithPath: images + "/cats/1.tif"))
    let program = try program()
    var builder = SnapshotBuilder(
      root: images, rules: DatasetRules(), transform: Self.transform, threadCount: 1)
    builder.makeDecoder = { DecoderProcess(executable: program) }
    let result = try builder.build(in: scratch.path, named: "images.pack")
    #expect(result.snapshot.count == 6)
    let refused = result.files.filter { $0.verdict != .accepted }
    #expect(refused.map(\.path.description) == ["cats/1.tif"])
    // Sets to be evaluated may come from anyone, too.
    let set = try ImageFolder(images) { DecoderProcess(executable: program) }
    let machine = Machine(threadCount: 2)
    let (read, rejected, _) = try set.load(
      Self.transform, classNames: ["cats", "dogs"], on: machine)
    #expect(read.count == 6 && rejected == 1)
    #expect(try set.transform() == Self.transform)
  }

  @Test func aChildThatHangsOrRunsOutOfTimeIsEnded() throws {
    let timedOut = DecodeOutcome.failed(.timedOut)
    #expect(try decode(impostor("exec sleep 60", silence: 1), [image(1)]).outcomes == [timedOut])
    let late = impostor("head -c 1 > /dev/null; kill -XCPU $$")
    #expect(try decode(late, [image(1)]).outcomes == [timedOut])
  }

  @Test func aChildThatDoesNotStartIsAnErrorAndNotAVerdict() {
    for program in ["/bin/false", "/nonexistent"] {
      let decoder = DecoderProcess(executable: program, arguments: ["x"])
      #expect(throws: DatasetError.self, "\(program)") { try decode(decoder, [image(1)]) }
    }
  }
}
