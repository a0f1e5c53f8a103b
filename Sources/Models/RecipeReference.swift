/// The recipe reference, a page of Markdown that is generated from the settings types.
public enum RecipeReference {
  /// The page.
  public static var page: String {
    ([introduction, example, common] + [effects] + Families.all.map(section)).joined(
      separator: "\n\n") + "\n"
  }

  /// A complete recipe.
  public static let exampleRecipe = """
    name: letters
    summary: Pixel model for grey 28×28 images of letters, trained privately.
    family: pixel
    image:
      height: 28
      width: 28
      channels: 1
    training:
      batch_size: 512      # images per step, on average
      steps: 2000
      clip_norm: 1
    model:
      channels: 16         # a small network needs less noise
      depth: 4
      first_kernel: 7
      bits: 4              # 16 levels of grey
      output: softmax
      class_regions: 7
      label_dropout: 0
      guidance: 1
      learning_rate: 0.005
      warm_up_steps: 50
      final_rate: 0.05
      beta1: 0.9
      beta2: 0.99
      average_decay: 0.99
      prior:               # optional: begin with a network that was trained on drawn shapes
        source: procedural
        steps: 300
        batch_size: 64
        learning_rate: 0.002
    """

  private static let introduction = """
    # Recipes

    A recipe states which model to train and how: everything besides the images that determines the result. It is a
    YAML file. `Models/` has the recipes that come with Figment; each states what it reached, and with which command.

    To write one, copy a similar recipe, change its name and fields, and pass its path, for example
    `figmentd run --recipe ./letters.yaml`. For the daemon, put it into the folder of recipes (`recipes` in the
    configuration); `figment recipes` lists those. A field that this page does not list is refused, and so is a value out
    of range, before any image is read. `figment plan` computes what a run with the recipe would cost.

    `figmentd recipe-reference` prints this page from the types that read recipes. To change the page, change them, then
    run `figmentd recipe-reference > Documentation/Recipes.md`.
    """

  private static let example = """
    ## An example

    A complete recipe. It shows what a recipe looks like; what it reaches was not measured.

    ```yaml
    \(exampleRecipe)
    ```
    """

  private static let effects = """
    ## Privacy and quality

    Epsilon and delta do not belong to a recipe: the request states them, and Figment computes the noise that they need.
    Let σ be the noise multiplier (the standard deviation of the noise on a sum of gradients, in clip norms), B the batch
    size, T the number of steps, and d the number of parameters that get noise. The smaller σ · √d / (B · √T) is, the less
    noise remains in the model. `figment plan` warns if it is too large.

    - `batch_size`: at the same epsilon, a larger batch needs a larger σ, but σ / B becomes smaller, so images improve.
      Time per step grows in proportion. Take several hundred with noise, and 16 to 64 without.
    - `steps`: at the same epsilon, more steps need a larger σ in each of them, and time grows in proportion. Beyond some
      number they no longer help; with a small epsilon, prefer few steps with large batches.
    - `clip_norm`: it does not change epsilon, because the noise is proportional to it. If it is too small, most gradients
      are shortened and what distinguishes them is lost; if it is too large, noise grows for nothing. Start with 1. It has
      no effect without privacy.
    - `prior`: its steps read no private image, so they cost time and no privacy. The network learns from drawn shapes what
      most images have in common, and the noisy steps begin there. The gain depends on how much the private images
      resemble such shapes.
    - The size of the network (`width`, `channels`, `depth`): each parameter gets noise, so with a small epsilon or few
      images a smaller network is better.
    """

  private static var common: String {
    let fields = Families.all.first.map { Recipe.fields(of: $0.settingsType) } ?? []
    return
      (["## Fields of every recipe", defaults, table(fields, withParts: false)]
      + [("image", ImageSettings.recipeFields), ("training", TrainingSettings.recipeFields)]
      .flatMap { ["### Under `\($0.0)`", table($0.1)] }).joined(separator: "\n\n")
  }

  private static let defaults = "A field without a default must be present."

  private static func section(of family: any GenerativeModel.Type) -> String {
    let settings = family.settingsType
    return """
      ## Under `model`, for family `\(family.family)`

      \(settings.summary)

      \(settings.readsImages ? "Images: \(settings.imageSizes.words)." : "It makes no images: a recipe has no `image`.")

      \(table(settings.recipeFields))
      """
  }

  private static func table(_ fields: [RecipeField], withParts: Bool = true) -> String {
    (["| Field | Value | Default | Meaning |", "|---|---|---|---|"]
      + fields.flatMap { rows($0, under: "", withParts: withParts) }).joined(separator: "\n")
  }

  /// The row of a field, and those of the fields that it groups.
  private static func rows(
    _ field: RecipeField, under prefix: String, withParts: Bool
  ) -> [String] {
    let path = prefix + field.name
    let former = field.formerNames.map { " Former spelling: `\($0)`." }.joined()
    let own =
      "| `\(path)` | \(values(of: field)) | \(field.fallback ?? "—") | \(field.meaning)\(former) |"
    guard withParts else { return [own] }
    return [own] + field.parts.flatMap { rows($0, under: path + ".", withParts: true) }
  }

  private static func values(of field: RecipeField) -> String {
    let words: String =
      switch field.value {
      case .text, .oneOf, .part: field.rangeWords
      case .choice(let names): names.map { "`\($0)`" }.joined(separator: " or ")
      case .integer: "whole number, \(field.rangeWords)"
      case .number: "number, \(field.rangeWords)"
      }
    return words + (field.condition.map { "; \($0)" } ?? "")
  }
}
