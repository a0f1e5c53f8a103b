import Control
import FoundationEssentials
import Glibc
import Models
import Testing

@testable import Runs
@testable import figmentd

/// The programs themselves, started as people start them.
@Suite struct ProgramTests {
  @Test(arguments: [
    ["figment", "--help"], ["figment", "train", "--help"], ["figment", "help", "train"],
    ["figmentd", "--help"], ["figmentd", "run", "--help"], ["figmentd", "draw-glyphs", "--help"],
  ])
  func helpIsPrintedAndNoError(_ words: [String]) throws {
    let (text, ending) = try Self.output(of: words)
    #expect(ending == .exited(0))
    #expect(text.contains("USAGE:"))
  }

  @Test(arguments: [
    ["figment", "trian"], ["figment", "train"], ["figmentd", "rnu"], ["figmentd", "run"],
    ["figmentd", "generate", "--count", "0"],
  ])
  func aCommandThatIsNoneEndsWithTheCodeOfWrongUse(_ words: [String]) throws {
    let (text, ending) = try Self.output(of: words)
    #expect(ending == .exited(64))
    #expect(!text.contains("unexpected error"))
  }

  @Test func theRecipeReferenceIsPrinted() throws {
    let (text, ending) = try Self.output(of: ["figmentd", "recipe-reference"])
    #expect(ending == .exited(0))
    #expect(text == RecipeReference.page)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGUSR1])
  func anInterruptedRunSaysHowToContinueAndNothingElse(_ signal: Int32) throws {
    let bench = try RunBench()
    let recipe = try bench.scratch.write(
      "long.yaml", RunBench.recipe(side: 8, steps: 1_000_000))
    let output = bench.scratch.path + "/out"
    let started = output + "/internal/tiny/checkpoints/step-0.safetensors"
    let (text, ending) = try Self.output(of: [
      "figmentd", "run", "--images", bench.order.root, "--output", output, "--recipe", recipe,
      "--epsilon", "5", "--delta", "1e-5", "--state", bench.scratch.path + "/state",
    ]) { process in
      let end = ContinuousClock.now + .seconds(120)
      while access(started, F_OK) != 0, .now < end { usleep(20_000) }
      kill(process.identifier, signal)
    }
    #expect(ending == .exited(Control.ExitCode.interrupted.rawValue))
    #expect(text.contains("Run the same command again to continue from it."), "\(text)")
    #expect(!text.contains("unexpected error"), "\(text)")
  }

  @Test(arguments: ["images", "held", "out"])
  func aRunRefusesAPublicFolderAroundAnotherOfItsFolders(_ folder: String) throws {
    let bench = try RunBench()
    let place = { (name: String) in bench.scratch.path + "/" + name }
    let recipe = try bench.scratch.write(
      "public.yaml", RunBench.multiscaleRecipe(steps: 4, upsamplerSteps: 4, source: "public"))
    for name in ["held", "out"] { try DurableFile.makeFolder(place(name)) }
    // A pixel model learns the base, so images may be held out.
    let (text, ending) = try Self.output(
      of: [
        "figmentd", "run", "--images", bench.order.root, "--output", place("out"), "--recipe",
        recipe,
        "--public-images", place(folder) + "/some", "--epsilon", "5", "--delta", "1e-5",
        "--state", place("state"),
      ] + (folder == "held" ? ["--hold-out", place("held")] : []))
    #expect(ending == .exited(Control.ExitCode.usage.rawValue))
    #expect(text.contains("one contains the other (separate folders expected)"), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: place("state")))
  }

  /// The output of a program beside the tests, and its exit.
  ///
  /// - Parameter during: called after it has started.
  private static func output(
    of words: [String], during: (ChildProcess) -> Void = { _ in }
  ) throws -> (String, ChildProcess.Ending) {
    let own = try #require(realpath("/proc/self/exe", nil).map { String(cString: $0) })
    let folder = own[..<(own.lastIndex(of: "/") ?? own.endIndex)]
    let scratch = ScratchFolder()
    let file = try systemCall("open", scratch.path) {
      open(scratch.path + "/out", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    }
    defer { close(file) }
    let process = try ChildProcess(
      "\(folder)/\(words[0])", words, environment: ["PATH=/usr/bin:/bin", "HOME=/tmp"], input: 0,
      output: file, error: file)
    during(process)
    let ending = process.wait()
    let text = try DurableFile.read(scratch.path + "/out")
    return (String(decoding: text, as: UTF8.self), ending)
  }
}
