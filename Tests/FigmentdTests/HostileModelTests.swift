import Compute
import Control
import FoundationEssentials
import Glibc
import Models
import Testing

@testable import Runs
@testable import figmentd

/// Model files that anyone may have written: they are read, refused in words, or drawn from, and nothing
/// else.
@Suite struct HostileModelTests {
  private static let machine = Machine(threadCount: 1)

  /// A release's model file of a few hundred weights.
  private func model(
    _ folder: ScratchFolder, classes: [String], recipe: String? = nil
  ) throws -> Data {
    let bench = try RunBench(steps: 2, recipe: recipe)
    guard bench.scratch.path != folder.path, try bench.run().isFinished else { return Data() }
    let bytes = try DurableFile.read(bench.places.release + "/model/generator.safetensors")
    var checkpoint = try Safetensors.decode(bytes)
    let names = try JSONEncoder().encode(classes)
    checkpoint.metadata["classes"] = String(decoding: names, as: UTF8.self)
    return try Safetensors.encode(checkpoint)
  }

  @Test(arguments: [
    ["../../pwned", "b"], ["a/b", "c"], [".hidden", "b"], ["", "b"], ["a\u{0}b", "c"], ["a", "a"],
    ["..", "b"],
  ])
  func classesThatClimbAreRefused(_ classes: [String]) throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/generator.safetensors"
    try DurableFile.write(try model(scratch, classes: classes), to: path)
    #expect(throws: (any Error).self) { try ReleasedModel(path, on: Self.machine) }
    #expect(try DurableFile.names(in: scratch.path) == ["generator.safetensors"])
  }

  @Test(arguments: [Float.nan, .infinity]) func numbersThatAreNotFiniteAreRefused(_ number: Float)
    throws
  {
    let scratch = ScratchFolder()
    let path = scratch.path + "/generator.safetensors"
    var checkpoint = try Safetensors.decode(try model(scratch, classes: ["a", "b"]))
    let (name, array) = try #require(checkpoint.tensors.min { $0.key < $1.key })
    var values = array.values
    values[values.count / 2] = number
    checkpoint.tensors[name] = Checkpoint.Array(shape: array.shape, values: values)
    try DurableFile.write(try Safetensors.encode(checkpoint), to: path)
    let error = #expect(throws: ModelFileError.self) {
      try ReleasedModel(path, on: Self.machine)
    }
    #expect(error?.description.contains("'\(name)' holds a number that is not finite") == true)
  }

  @Test func aMillionClassesTakeNoMemory() throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/generator.safetensors"
    try DurableFile.write(
      try model(scratch, classes: (0..<200_000).map { "\($0)" }), to: path)
    let before = ProcessStatus.peakMemory
    #expect(throws: (any Error).self) { try ReleasedModel(path, on: Self.machine) }
    #expect(ProcessStatus.peakMemory - before < 1 << 30)
  }

  /// Every number of a recipe in a model file may have any value: none traps, in either family.
  @Test(arguments: [RunBench.recipe(side: 8, steps: 2), RunBench.pixelRecipe(steps: 2)])
  func noNumberOfARecipeTraps(_ recipe: String) throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/generator.safetensors"
    let classes = ["a", "b", "c", "d", "e", "f", "g", "h"]
    let whole = try Safetensors.decode(try model(scratch, classes: classes, recipe: recipe))
    let text = Data((whole.metadata["recipe"] ?? "").utf8)
    let numbers = FileDamage.tokens(of: text).numbers
    #expect(numbers.count > 12)
    for place in numbers {
      for value in FileDamage.numbers + ["2", "3", "64"] {
        var changed = text
        changed.replaceSubrange(place, with: value.utf8)
        var checkpoint = whole
        checkpoint.metadata["recipe"] = String(decoding: changed, as: UTF8.self)
        try Safetensors.encode(checkpoint).write(to: URL(filePath: path))
        do {
          let released = try ReleasedModel(path, on: Self.machine)
          try released.model.sample(labels: [0, 7], seed: 1) { _, _ in }
        } catch {
          #expect(ControlError(error).message.contains(path), "\(error)")
        }
      }
    }
  }

  /// Changed, shortened and lengthened files are read as models or refused in words, and none traps.
  @Test func changedFilesAreModelsOrRefused() throws {
    let scratch = ScratchFolder()
    let path = scratch.path + "/generator.safetensors"
    let whole = try model(scratch, classes: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
    var stream = SeededStream(seed: 11)
    let headerEnd = min(whole.count, 6_000)
    var refused = 0
    for round in 0..<Self.rounds {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &stream) {
        let place = Int.random(in: 0..<(round % 3 == 0 ? whole.count : headerEnd), using: &stream)
        bytes[place] =
          round % 2 == 0
          ? UInt8.random(in: 0...255, using: &stream)
          : Array("0123456789{}[],:\"-e".utf8).randomElement(using: &stream) ?? 0
      }
      if round % 7 == 0 { bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &stream)) }
      try Data(bytes).write(to: URL(filePath: path))
      do {
        let released = try ReleasedModel(path, on: Self.machine)
        try released.model.sample(labels: [0], seed: 1) { _, _ in }
      } catch {
        refused += 1
        #expect(ControlError(error).message.count > 8)
      }
    }
    #expect(refused > Self.rounds / 4)
  }

  /// More rounds with `FIGMENT_FUZZ_ROUNDS`.
  private static let rounds =
    getenv("FIGMENT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2_000

  @Test func aModelTooLargeForAnyMachineIsRefusedBeforeItIsMade() throws {
    let text = RunBench.recipe(side: 128, steps: 2)
      .replacing("width: 2\n", with: "width: 1024\n")
      .replacing("generator_width: 2\n", with: "generator_width: 1024\n")
    let scratch = ScratchFolder()
    let recipe = try RecipeLibrary.read(scratch.write("large.yaml", text))
    let error = #expect(throws: RecipeFailure.self) { try recipe.validate(classes: ["a", "b"]) }
    #expect(error?.description.contains("parameters") == true)
  }
}
