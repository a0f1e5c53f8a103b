@_spi(Administrator) public import Privacy

extension Protection {
  /// The protection by a mechanism or, without one, none: tests are their own administrator.
  public static func test(_ mechanism: SubsampledGaussian?) -> Protection {
    mechanism.map(Protection.noise) ?? .none(UnprotectedTraining())
  }
}

extension UnprotectedTraining {
  /// The permission in tests.
  public static var test: UnprotectedTraining { UnprotectedTraining() }
}
