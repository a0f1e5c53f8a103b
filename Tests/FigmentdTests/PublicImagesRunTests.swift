import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// Runs whose networks learn first from a folder that is declared public.
@Suite struct PublicImagesRunTests {
  private static let recipe = RunBench.multiscaleRecipe(
    steps: 4, upsamplerSteps: 4, source: "public")

  /// A run on drawn images, beside a folder of other drawn images that is declared public.
  private func bench(publicSeed: UInt64 = 77) throws -> RunBench {
    var bench = try RunBench(recipe: Self.recipe)
    let folder = bench.scratch.path + "/public"
    try GlyphGenerator(seed: publicSeed).write(count: 16, to: folder)
    bench.order.publicImages = folder
    return bench
  }

  private func pack(_ bench: RunBench) -> String { bench.places.internalFiles + "/public.pack" }

  @Test func theReleaseNamesPublicImagesAndThePackedOnesGo() throws {
    let bench = try bench()
    #expect(try bench.run().isFinished)
    let report = try bench.text(bench.places.release + "/report.html")
    #expect(report.contains("images that the administrator declares public"))
    #expect(report.contains("reads public data alone"))
    #expect(!FileManager.default.fileExists(atPath: pack(bench)))
    let history = try bench.history()
    #expect(Set(history.charges.map(\.entry.purpose)) == ["training", "upsampling to 8x8"])
  }

  @Test func aFolderThatSharesAnImageWithThePrivateOnesIsRefusedBeforeAnythingIsCharged() throws {
    let bench = try bench()
    let own = try #require(
      try FolderTree.files(in: bench.order.root).sorted().first { $0.hasSuffix(".png") })
    let copy = try #require(bench.order.publicImages) + "/elsewhere/copy.png"
    try DurableFile.makeFolder(String(copy.dropLast("/copy.png".count)))
    // Another file of the same picture: what follows the end of a PNG is ignored.
    let file = try DurableFile.read("\(bench.order.root)/\(own)")
    try DurableFile.write(file + [0], to: copy)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    // Callers who may not count the files read this message.
    #expect(error?.message.contains("some are among the private images too") == true)
    #expect(error?.message.contains { $0.isNumber } == false)
    #expect(try bench.history().charges.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: pack(bench)))
    try FileManager.default.removeItem(atPath: copy)
    #expect(try bench.run().isFinished)
  }

  /// Nobody trains on it in this run, and it is private all the same.
  @Test func aPrivateImageThatTheRunLeavesOutIsNotPublicEither() throws {
    var bench = try bench()
    bench.order.rules = DatasetRules(classes: ["circle"])
    let folder = try #require(bench.order.publicImages)
    let other = try #require(
      try FolderTree.files(in: bench.order.root).sorted().first { !$0.hasPrefix("circle/") })
    try DurableFile.makeFolder(folder + "/elsewhere")
    try FileManager.default.copyItem(
      atPath: "\(bench.order.root)/\(other)", toPath: folder + "/elsewhere/copy.png")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("some are among the private images too") == true)
    #expect(try bench.history().charges.isEmpty)
    #expect(
      !FileManager.default.fileExists(atPath: bench.places.internalFiles + "/private-all.pack"))
  }

  /// They look like private ones and equal none, so that comparing them finds nothing.
  @Test func imagesThatARunWithoutPrivacyDrewAreNotPublic() throws {
    var bench = try bench()
    let drawn = bench.scratch.path + "/other/internal/samples/data"
    try GlyphGenerator(seed: 5).write(count: 16, to: drawn)
    _ = try bench.scratch.write("other/internal/design.json", "{}")
    bench.order.publicImages = drawn
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("lies in the internal folder of a run") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  @Test func aPackOfAnAttemptThatWasNeverAnnouncedIsNotUsed() throws {
    let bench = try bench()
    try DurableFile.makeFolder(bench.places.internalFiles)
    try DurableFile.write(Data("compared with other images".utf8), to: pack(bench))
    #expect(try bench.run().isFinished)
  }

  @Test func aRecipeThatNeedsPublicImagesIsRefusedWithoutThem() throws {
    var bench = try bench()
    bench.order.publicImages = nil
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("no folder is declared public for dataset glyphs") == true)
    bench.order.publicImages = bench.scratch.path + "/empty"
    try DurableFile.makeFolder(bench.scratch.path + "/empty")
    let empty = #expect(throws: ControlError.self) { try bench.run() }
    #expect(empty?.message.hasPrefix("public images: ") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  @Test func aRequestForARecipeThatNeedsThemIsRefusedWhenItIsMade() throws {
    let recipe = try bench().order.recipe
    let budget = try PrivacyBudget(epsilon: 8, delta: 1e-5)
    let order = { (folder: String?) in
      try RunOrder(
        TrainRequest(dataset: "glyphs", recipe: "doubled", epsilon: 1), recipe: recipe, named: "r",
        root: "/r", rules: DatasetRules(), settle: .zero, population: nil, permission: nil,
        budget: budget, allowsLargeDelta: false, publicImages: folder, recipes: "/recipes",
        command: "")
    }
    let error = #expect(throws: ControlError.self) { try order(nil) }
    #expect(error?.message.contains("prior: source: public") == true)
    #expect(try order("/p").publicImages == "/p")
  }

  /// The weights at the end of the pre-training of the upsampler's base, which depend on no secret.
  private func weights(stoppingAt step: Int?) throws -> [String: [Float]] {
    let bench = try bench()
    let found = Mutex<[String: [Float]]>([:])
    var conditions = RunConditions()
    conditions.makeNoise = { TestNoise.stream(11) }
    conditions.writeCheckpoint = { data, path in
      try DurableFile.write(data, to: path)
      let checkpoint = try Safetensors.decode(data)
      guard checkpoint.metadata["figment_phase"] == "pre-training to 8x8",
        checkpoint.metadata["step"] == "16"
      else { return }
      found.withLock { $0 = checkpoint.tensors.mapValues(\.values) }
    }
    let stop = StopSignal()
    let ending = try bench.run(stop: stop, under: conditions) { report in
      if case .progress(let progress) = report, progress.name == "pre-training to 8x8",
        progress.done == step
      {
        stop.raise()
      }
    }
    guard step != nil else {
      #expect(ending.isFinished)
      return found.withLock { $0 }
    }
    #expect(!ending.isFinished)
    // What lies in the folder now is not what the first attempt read.
    try FileManager.default.removeItem(atPath: bench.scratch.path + "/public")
    #expect(try bench.run(under: conditions).isFinished)
    return found.withLock { $0 }
  }

  @Test func aResumedRunLearnsFromTheImagesThatTheFirstAttemptFound() throws {
    let whole = try weights(stoppingAt: nil)
    #expect(!whole.isEmpty)
    #expect(try weights(stoppingAt: 3) == whole)
  }

  /// What a free step may read without noise is made in one place.
  @Test func onlyThePublicFolderMakesPublicImages() throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let sources = "/\(root)/Sources"
    let makers = try FolderTree.files(in: sources).filter {
      guard $0.hasSuffix(".swift") else { return false }
      let text = String(decoding: try DurableFile.read("\(sources)/\($0)"), as: UTF8.self)
      return text.contains("PublicImages(declaredPublic:")
    }
    #expect(makers == ["Runs/Execution/PublicFolder.swift"])
  }
}
