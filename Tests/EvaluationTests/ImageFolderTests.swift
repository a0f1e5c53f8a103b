import Compute
import Datasets
import FoundationEssentials
import Glibc
import Testing

@testable import Evaluation

@Suite struct ImageFolderTests {
  let machine = Machine(threadCount: 2)

  /// Calls `body` with a folder of two classes with duplicates and a file that is not an image.
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
      let (images, rejected, _) = try folder.load(
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

  @Test func aSetsFormComesFromItsFilesAndNotFromTheirContent() throws {
    for (channels, expected) in [(1, ImageTransform.Channels.grey), (3, .rgb)] {
      try withFolder { path in
        // An image that looks grey, regardless of the file's channels; read before the others.
        let image = Image(
          shape: ImageShape(height: 4, width: 5, channels: channels),
          bytes: [UInt8](repeating: 9, count: 20 * channels))
        try Data(PNGEncoder().encode(image)).write(to: URL(filePath: path + "/cats/-.png"))
        let transform = try ImageFolder(path).transform()
        #expect(transform == ImageTransform(height: 4, width: 5, channels: expected))
      }
    }
  }

  @Test func otherFilesOfASetAreSkippedAndEnormousImagesRefused() throws {
    try withFolder { path in
      #expect(truncate(path + "/cats/broken.png", 1 << 40) == 0)
      #expect(mkfifo(path + "/dogs/pipe.png", 0o600) == 0)
      let folder = try ImageFolder(path)
      let (images, rejected, _) = try folder.load(
        try folder.transform(), classNames: folder.classNames, on: machine)
      #expect(images.classCounts == [3, 3] && rejected == folder.fileCount - 6)
      let wide = Image(
        shape: ImageShape(height: 1, width: 5000, channels: 1),
        bytes: [UInt8](repeating: 9, count: 5000))
      try Data(PNGEncoder().encode(wide)).write(to: URL(filePath: path + "/cats/-.png"))
      let error = #expect(throws: EvaluationError.self) { try ImageFolder(path).transform() }
      #expect(error?.description.contains("1 × 5000 pixels") == true)
    }
  }

  @Test func theHeaderOfAFileRevealsItsColours() {
    func jpeg(_ components: UInt8) -> [UInt8] {
      [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC2, 0, 11, 8, 0, 4, 0, 4, components, 0, 0]
    }
    #expect(StoredColour.isGrey(jpeg(1)) == true && StoredColour.isGrey(jpeg(3)) == false)
    #expect(StoredColour.isGrey(Array("P5 1 1 255 x".utf8)) == true)
    #expect(StoredColour.isGrey(Array("P6 1 1 255 xyz".utf8)) == false)
    #expect(StoredColour.isGrey(Array("P7".utf8)) == nil && StoredColour.isGrey([]) == nil)
    // Truncated, or without an end of its markers.
    for count in 0..<20 { _ = StoredColour.isGrey(Array(jpeg(1).prefix(count))) }
    #expect(StoredColour.isGrey([0xFF, 0xD8] + [UInt8](repeating: 0xFF, count: 99)) == nil)
  }
}
