import Datasets
import FoundationEssentials
import Testing

@testable import Models

@Suite struct ImageSettingsTests {
  private func settings(_ fit: String) throws -> ImageSettings {
    let json = #"{"height":8,"width":6,"channels":3\#(fit)}"#
    return try JSONDecoder().decode(ImageSettings.self, from: Data(json.utf8))
  }

  private func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Recipes and packed files are older than the common type, and each kept its word.
  @Test(arguments: [
    (ImageTransform.Fit.centreCrop, "crop", "centreCrop"), (.stretch, "stretch", "stretch"),
  ])
  func aFitHasItsWordInRecipesAndInPackedFiles(
    _ fit: ImageTransform.Fit, _ recipe: String, _ packed: String
  ) throws {
    let settings = try settings(#","fit":"\#(recipe)""#)
    #expect(settings.fit == fit)
    #expect(try text(settings) == #"{"channels":3,"fit":"\#(recipe)","height":8,"width":6}"#)
    #expect(try text([fit]) == #"["\#(packed)"]"#)
  }

  @Test func anAbsentFitStaysAbsent() throws {
    let settings = try settings("")
    #expect(settings.fit == nil)
    #expect(try text(settings) == #"{"channels":3,"height":8,"width":6}"#)
  }

  @Test(arguments: ["centreCrop", "Crop", ""])
  func anUnknownFitIsRefusedWithTheKnownOnes(_ word: String) {
    #expect {
      _ = try settings(#","fit":"\#(word)""#)
    } throws: { error in
      guard case .dataCorrupted(let context) = error as? DecodingError else { return false }
      return context.codingPath.map(\.stringValue) == ["fit"]
        && context.debugDescription == "found '\(word)', expected crop or stretch"
    }
  }
}
