@_spi(Administrator) package import Privacy

extension UnprotectedTraining {
  /// For images of noise, on which a plan is timed: they show nobody.
  package static var onNoiseImages: UnprotectedTraining { UnprotectedTraining() }
}
