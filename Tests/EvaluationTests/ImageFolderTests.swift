import Compute
import Datasets
import FoundationEssentials
import Testing

@testable import Evaluation

@Suite struct ImageFolderTests {
  let machine = Machine(threadCount: 2)

  /// Calls `body` with a folder of two classes that holds duplicates and a file that is no image.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "figment-folder-\(UInt64.random(in: 0...UInt64.max))")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, byte) in [("cats", UInt8(7)), ("dogs", UInt8(200))] {
      let place = folder.appending(path: name)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      let image = Image(
        shape: ImageShape(height: 9, width: 8, channels: 1),
        bytes: [UInt8](repeating: byte, count: 72))
      for index in 0..<3 {
        try Data(PNGEncoder().encode(image)).write(to: place.appending(path: "\(index).png"))
      }
    }
    try Data("no image".utf8).write(to: folder.appending(path: "cats/broken.png"))
    try body(folder.path)
  }

  @Test func imagesComeWithTheirClassesDuplicatesIncluded() throws {
    try withFolder { path in
      let folder = try ImageFolder(path)
      #expect(folder.classNames == ["cats", "dogs"] && folder.fileCount == 7)
      let transform = try folder.transform()
      #expect(transform.height == 9 && transform.width == 8 && transform.channels == .grey)
      var shares: [Double] = []
      let (images, rejected) = try folder.load(
        transform, classNames: ["birds", "cats", "dogs"], on: machine
      ) { shares.append($0) }
      #expect(images.classCounts == [0, 3, 3] && rejected == 1)
      #expect(images[0].allSatisfy { $0 == 7 } && images[5].allSatisfy { $0 == 200 })
      #expect(shares.last == 1)
    }
  }

  @Test func otherClassesAreRefusedByName() throws {
    try withFolder { path in
      let folder = try ImageFolder(path)
      #expect(
        throws: EvaluationError.classesDiffer(
          folder: path, found: ["cats", "dogs"], expected: ["cats"])
      ) {
        try folder.load(try folder.transform(), classNames: ["cats"], on: machine)
      }
    }
  }
}
