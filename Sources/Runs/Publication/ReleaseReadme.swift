import Control
import Datasets
import Models
import Privacy

/// The README of a synthetic set.
struct ReleaseReadme {
  private let plan: ResolvedPlan
  private let statement: PrivacyStatement?
  private let count: Int
  private let steps: Int
  private let answers: [String]

  /// Describes a set.
  ///
  /// - Parameters:
  ///   - count: its images.
  ///   - steps: those that were made on private images.
  ///   - answers: what files about the real images there are, a line each.
  init(
    _ plan: ResolvedPlan, _ statement: PrivacyStatement?, count: Int, steps: Int, answers: [String]
  ) {
    self.plan = plan
    self.statement = statement
    self.count = count
    self.steps = steps
    self.answers = answers
  }

  /// The README in Markdown, with the header that dataset hubs read.
  var text: String {
    let guarantee =
      statement.map {
        "\([$0.sentence, $0.meaning ?? ""].joined(separator: "\n\n"))\n\n"
          + "The whole statement: PRIVACY.md, and privacy.json."
      }
        ?? """
        **No guarantee.** This set was trained without privacy. Images in it may reproduce training \
        images. Treat it like the training images themselves: it must not be shared.
        """
    return """
      ---
      task_categories: [\(hasImages ? "image-classification" : "tabular-classification")]
      tags: [synthetic\(statement == nil ? "" : ", differential-privacy")]
      ---
      # \(count) synthetic \(hasImages ? "images" : "rows")

      Made by Figment \(Version.current) with recipe `\(plan.recipe.name)`: \(content)
      \(remarks)
      \(origin)

      ## Privacy

      \(guarantee)

      ## Contents

      \(files.map { "- \($0)" }.joined(separator: "\n"))

      """
  }

  /// Where the images come from if not from the trained model itself, and what the training lacks.
  private var remarks: String {
    [plan.recipe.model.releaseRemark, plan.lossSentence(made: steps)].compactMap { $0 }
      .map { "\n\($0)\n" }.joined()
  }

  private var hasImages: Bool { plan.recipe.model.readsImages }

  /// What the set holds, in a sentence or two.
  private var content: String {
    let image = plan.recipe.image
    let columns = plan.recipe.columns
    let names = columns.map(\.name).joined(separator: ", ")
    guard hasImages else {
      return
        "\(columns.count) columns (\(names)). Each value lies in the domain that was declared for its column; numbers are "
        + "drawn evenly within their bin." + (plan.noiseSentence.map { " \($0)" } ?? "")
    }
    let shares =
      columns.isEmpty
      ? "in equal shares, regardless of the shares in the training set"
      : "in shares that the model drew, each image with a row of \(columns.count) columns (\(names))"
    return "\(image.width)×\(image.height) pixels, \(image.channels == 1 ? "grey" : "colour"), "
      + "\(plan.classes.count) classes (\(plan.classes.joined(separator: ", "))), \(shares)."
  }

  private var origin: String {
    hasImages
      ? """
      Every image was drawn by the trained model. A model can reproduce what it was trained on: a \
      guarantee bounds how much its images can reveal about a single training image. Every file \
      carries the IPTC mark *trainedAlgorithmicMedia*.
      """
      : """
      Every row was drawn by the trained model. A drawn row can equal a real one by chance, all the \
      more if there are few columns. A guarantee bounds how much all rows together can reveal about a \
      single unit.
      """
  }

  private var files: [String] {
    let isTaught = plan.recipe.hasTeacher
    let labels =
      (plan.recipe.columns.isEmpty ? "their labels" : "their labels and columns")
      + (isTaught ? ", and a teacher's" : "")
    let set =
      hasImages
      ? [
        "`data/<class>/*.png`, `metadata.jsonl`: the images and \(labels)",
        "`samples.png`: twelve of each class",
      ]
      : [
        "`data.csv`: the rows. A text that a spreadsheet would run as a formula has an apostrophe before it"
      ]
    let noun = hasImages ? "images" : "rows"
    return set + [
      "`report.html`, `report.json`: the releasable report on the \(noun) and their training",
      "`model/generator.safetensors`: the model that drew them\(isTaught ? ", and the teacher" : "")",
      "`manifest.json`: SHA-256 of every file",
    ] + answers
  }
}
