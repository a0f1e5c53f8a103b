public import Compute
@_spi(PrivateZone) public import Privacy

extension CountQuery {
  /// Returns the counts with noise, as whole numbers; they may be released, and may be negative.
  ///
  /// `counts` are the numbers of images of each kind; no unit has more than `sensitivity` images in
  /// all. The reservation proves that the answer was charged before it is computed.
  public func answer(
    _ counts: Sensitive<[Int]>, paidBy reservation: borrowing Reservation,
    noise source: NoiseStream
  ) -> Releasable<[Int]> {
    precondition(
      reservation.event == event && reservation.times >= 1, "the reservation is for another event")
    let counts = counts.revealed()
    let drawn = draw(counts.count, from: source)
    return Releasable(zip(counts, drawn).map { $0 + $1 }, .paidFor)
  }

  /// Draws noise in whole numbers.
  ///
  /// A whole count plus a rounded Gaussian number equals the rounded sum: rounding comes after the
  /// mechanism and costs nothing.
  private func draw(_ count: Int, from source: NoiseStream) -> [Int] {
    switch noise {
    case .gaussian:
      let arena = Arena()
      let numbers = arena.make(Shape(count))
      numbers.fill(0)
      source.addGaussian(to: numbers, standardDeviation: standardDeviation)
      return withExtendedLifetime(arena) { numbers.buffer.map { Int($0.rounded()) } }
    case .discreteGaussian:
      let gaussian = DiscreteGaussian(scale: UInt64(standardDeviation))
      return (0..<count).map { _ in gaussian.sample(from: source) }
    }
  }
}
