@_spi(Administrator) package import Privacy

extension UnprotectedTraining {
  /// Permits unprotected steps on noise images, with which a plan is timed: they contain no private data.
  package static var onNoiseImages: UnprotectedTraining { UnprotectedTraining() }
}
