// Recipes of models with more than one network, of a few hundred weights.
extension RunBench {
  /// A pixel model as a part of another model: its fields, indented.
  private static var pixelFields: String {
    pixelRecipe(steps: 1).split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "model:" }.dropFirst().map { "  " + $0 }.joined(separator: "\n")
  }

  /// A recipe of a pixel model whose images a private teacher labels, named taught-pixels.
  static func taughtRecipe(
    steps: Int, teacherSteps: Int, batchSize: Int = 16, share: Double = 0.25
  ) -> String {
    """
    name: taught-pixels
    summary: For tests.
    family: taught
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: \(batchSize), steps: \(steps), clip_norm: 1}
    model:
      generator:
        family: pixel
    \(pixelFields)
      teacher: {share: \(share), steps: \(teacherSteps), batch_size: \(batchSize), clip_norm: 1, learning_rate: 0.1}
    """
  }

  /// A recipe of a generator that is distilled from a pre-trained pixel model, named tiny-distilled.
  static func distilledRecipe(batchSize: Int = 16) -> String {
    """
    name: tiny-distilled
    summary: For tests.
    family: distilled
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: \(batchSize), steps: 12, clip_norm: 1}
    model:
      teacher:
        family: pixel
    \(pixelFields)
        prior: {source: procedural, steps: 6, batch_size: 4, learning_rate: 0.01}
      images: 600
      steps: 20
      batch_size: 4
      width: 2
      generator_width: 2
      latent_size: 4
      discriminator_learning_rate: 0.01
      generator_learning_rate: 0.01
      average_decay: 0.9
    """
  }

  /// A recipe of a variational autoencoder, named tiny-vae.
  ///
  /// - Parameter share: the part of epsilon for the distribution of its codes; nil for the standard one.
  static func vaeRecipe(steps: Int, batchSize: Int = 16, share: Double? = nil) -> String {
    """
    name: tiny-vae
    summary: For tests.
    family: vae
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: \(batchSize), steps: \(steps), clip_norm: 1}
    model:
      latent_size: 3
      channels: 2
      depth: 1
      bits: 2
      output: softmax
      kl_weight: 1
      kl_warm_up_steps: 4
      codes: \(share.map { "full\n  share: \($0)" } ?? "standard")
      drawing: mean
      learning_rate: 0.01
      warm_up_steps: 1
      final_rate: 1
      beta1: 0.9
      beta2: 0.99
      average_decay: 0.9
    """
  }

  /// A recipe of a network of class and columns and of a pixel model, named tiny-attributed.
  static func attributedRecipe(steps: Int, batchSize: Int = 16) -> String {
    """
    name: tiny-attributed
    summary: For tests.
    family: attributed
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: \(batchSize), steps: \(steps), clip_norm: 1}
    model:
      share: 0.2
      table:
        mode: correlated
        rounds: 2
      images:
        family: pixel
        channels: 4
        depth: 1
        first_kernel: 3
        bits: 2
        output: softmax
        class_regions: 1
        label_dropout: 0
        guidance: 1
        learning_rate: 0.01
        warm_up_steps: 0
        final_rate: 1
        beta1: 0.9
        beta2: 0.99
        average_decay: 0.5
    """
  }

  /// A recipe of a network over the columns of a table, named tiny-table.
  static func tableRecipe(mode: String = "correlated") -> String {
    """
    name: tiny-table
    summary: For tests.
    family: bayes-net
    training: {batch_size: 1, steps: 1, clip_norm: 1}
    model:
      mode: \(mode)\(mode == "correlated" ? "\n  rounds: 6" : "")
    """
  }

  /// A recipe of a pixel model of 4×4 pixels and a network that doubles them, named doubled.
  ///
  /// - Parameter source: what both networks start from.
  static func multiscaleRecipe(
    steps: Int, upsamplerSteps: Int, batchSize: Int = 16, source: String = "procedural"
  ) -> String {
    let prior =
      source == "release"
      ? "prior: {source: release}"
      : "prior: {source: \(source), steps: 6, batch_size: 4, learning_rate: 0.01}"
    return """
      name: doubled
      summary: For tests.
      family: multiscale
      image: {height: 8, width: 8, channels: 1}
      training: {batch_size: \(batchSize), steps: \(steps), clip_norm: 1}
      model:
        stages: 1
        base:
      \(pixelFields)
          \(prior)
        upsampler:
          channels: 4
          depth: 1
          bits: 4
          components: 2
          share: 0.25
          batch_size: \(batchSize)
          steps: \(upsamplerSteps)
          clip_norm: 1
          learning_rate: 0.01
          average_decay: 0.9
          \(prior)
      """
  }
}
