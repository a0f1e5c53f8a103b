import Datasets
import FoundationEssentials
import Glibc

/// What a private teacher thinks of the images of a set, as `metadata.jsonl` beside their folder states it.
struct TeacherLabels {
  /// The probability of each class, in the order of `classNames`, by the path below the folder.
  private let probabilities: [RelativePath: [Float]]

  /// The name of the file.
  private static let fileName = "metadata.jsonl"
  /// The largest file that is read: more than a million images of a hundred classes.
  private static let largestFile = 2 << 30
  /// The largest distance of a sum of probabilities from one: they are rounded.
  private static let largestError: Float = 0.02

  private struct Line: Decodable {
    let fileName: String
    let teacherProbabilities: [Float]?

    enum CodingKeys: String, CodingKey {
      case fileName = "file_name"
      case teacherProbabilities = "teacher_probabilities"
    }
  }

  /// Reads the file beside a folder of images; nil where there is none, or where no teacher is stated.
  ///
  /// - Parameter classNames: the classes in the order that labels count.
  /// - Throws: `EvaluationError.badMetadata` for a line that states no probabilities of these classes.
  init?(besideImagesIn folder: String, classNames: [String]) throws {
    let path = "\(folder)/../\(Self.fileName)"
    guard let content = Self.content(of: path) else { return nil }
    // The file has the order of the folders' names.
    let places = classNames.indices.sorted { classNames[$0] < classNames[$1] }
    let json = JSONDecoder()
    var probabilities: [RelativePath: [Float]] = [:]
    for (number, bytes) in content.split(separator: UInt8(ascii: "\n")).enumerated() {
      let refuse = { EvaluationError.badMetadata(path: path, line: number + 1, reason: $0) }
      guard let line = try? json.decode(Line.self, from: Data(bytes)) else {
        throw refuse("no object with file_name (one expected)")
      }
      guard let found = line.teacherProbabilities else { continue }
      guard found.count == classNames.count, found.allSatisfy({ (0...1).contains($0) }),
        abs(found.reduce(0, +) - 1) < Self.largestError
      else {
        throw refuse(
          "teacher_probabilities has \(found.count) numbers (\(classNames.count), one for each class, that "
            + "add up to 1 expected)")
      }
      var own = [Float](repeating: 0, count: found.count)
      for (place, value) in zip(places, found) { own[place] = value }
      // Without the name of the folder itself.
      let components = RelativePath(bytes: Array(line.fileName.utf8)).components.dropFirst()
      probabilities[RelativePath(bytes: Array(components.joined(separator: [UInt8(ascii: "/")])))] =
        own
    }
    guard !probabilities.isEmpty else { return nil }
    self.probabilities = probabilities
  }

  /// The probabilities of some files, one after the other; nil unless all of them have some.
  func probabilities(of files: [RelativePath]) -> [Float]? {
    var all: [Float] = []
    for file in files {
      guard let own = probabilities[file] else { return nil }
      all += own
    }
    return all
  }

  /// The bytes of a regular file of a bearable size; nil for anything else.
  private static func content(of path: String) -> Data? {
    var information = stat()
    guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
      information.st_size <= largestFile
    else { return nil }
    return FileManager.default.contents(atPath: path)
  }
}
