import Control
package import FoundationEssentials
import Models
import Privacy

/// The card of images that were drawn from a model after its training.
package struct DrawnSetReadme {
  /// What is promised to those whose images the model learnt from.
  package enum Guarantee {
    /// `privacy.json` beside the images states it, in these bytes.
    case stated(Data)
    /// Nothing that was found says.
    case unknown
    /// Nothing is.
    case none
    /// The images show the upper rows of given ones, which no guarantee covers.
    case given(rows: Int)

    /// What the statement of a model's release promises of all its images; nil where none was found.
    package init(statement: Data?) {
      self = statement.map { .stated($0) } ?? .unknown
    }

    /// The statement of the model's release; nil where there is none that this version can read.
    var statementInWords: PrivacyStatement? {
      guard case .stated(let data) = self else { return nil }
      return try? JSONDecoder().decode(PrivacyStatement.self, from: data)
    }
  }

  /// The model's recipe.
  let recipe: Recipe
  /// What was drawn.
  let request: SampleRequest
  /// What is promised.
  let guarantee: Guarantee

  private var promise: String {
    switch guarantee {
    case .stated:
      ([
        "Drawing costs no privacy: what privacy.json and PRIVACY.md say of the model's training holds "
          + "for these images."
      ]
        + [guarantee.statementInWords.map { "\($0.sentence)\n\n\($0.meaning ?? "")" }]
        .compactMap { $0 }).joined(separator: "\n\n")
    case .unknown:
      "No privacy.json was found with the model. Unless the release that it came with has one, treat "
        + "this set like the images that the model was trained on."
    case .none:
      "**No guarantee.** The model was trained without privacy. Images in it may reproduce training "
        + "images. Treat this set like the training images themselves: it must not be shared."
    case .given(let rows):
      "**The upper \(rows) rows of every image are those of a given one; the rest was drawn to fit "
        + "them.** No guarantee covers the given images: this set is as private as they are."
    }
  }

  /// The card in Markdown.
  var text: String {
    let image = recipe.image
    let guidance = request.guidance.map { ", guidance \($0)" } ?? ""
    return """
      # \(request.labels.count) synthetic images

      Drawn by Figment \(Version.current) from a model of recipe `\(recipe.name)`: \
      \(image.width)×\(image.height) pixels, \(image.channels == 1 ? "grey" : "colour"); seed \
      \(request.seed), temperature \(request.temperature)\(guidance). Every file carries the IPTC mark \
      *trainedAlgorithmicMedia*.
      \(recipe.model.releaseRemark.map { "\n\($0)\n" } ?? "")
      ## Privacy

      \(promise)

      """
  }
}
