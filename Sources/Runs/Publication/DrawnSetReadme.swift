import Control
import Datasets
package import FoundationEssentials
import Models
import Privacy

/// The README of images that were drawn from a model after its training.
package struct DrawnSetReadme {
  /// The guarantee to the people whose images the model learnt from.
  package enum Guarantee {
    /// `privacy.json` beside the images states it, in these bytes.
    case stated(Data)
    /// No statement was found.
    case unknown
    /// There is none.
    case none
    /// The images contain the upper rows of other images, which no guarantee covers.
    case given(rows: Int)

    /// The guarantee that the statement of a model's release makes for all its images; unknown if nil.
    package init(statement: Data?) {
      self = statement.map { .stated($0) } ?? .unknown
    }

    /// The statement of the model's release; nil if this version cannot read one.
    var statementInWords: PrivacyStatement? {
      guard case .stated(let data) = self else { return nil }
      return try? JSONDecoder().decode(PrivacyStatement.self, from: data)
    }
  }

  /// The model's recipe.
  let recipe: Recipe
  /// The request that was drawn.
  let request: SampleRequest
  /// The guarantee for the images.
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

  /// The README in Markdown.
  var text: String {
    let image = recipe.image
    let columns = recipe.columns.map(\.name).joined(separator: ", ")
    guard recipe.model.readsImages else {
      return """
        # \(request.labels.count) synthetic rows

        Drawn by Figment \(Version.current) from a model of recipe `\(recipe.name)`: columns \(columns); seed \
        \(request.seed).
        \(recipe.model.releaseRemark.map { "\n\($0)\n" } ?? "")
        ## Privacy

        \(promise)

        """
    }
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
