public import Compute
@_spi(PrivateZone) public import Privacy

extension CountQuery {
  /// The counts with noise, in whole numbers; they may leave, and may be below zero.
  ///
  /// `counts` are images of each kind, of which no unit has more than `sensitivity` in all. The
  /// reservation proves that the answer was charged before it is computed.
  public func answer(
    _ counts: Sensitive<[Int]>, paidBy reservation: borrowing Reservation,
    noise source: NoiseStream
  ) -> Releasable<[Int]> {
    precondition(
      reservation.event == event && reservation.times >= 1, "another question was paid for")
    let counts = counts.revealed()
    let drawn = draw(counts.count, from: source)
    return Releasable(zip(counts, drawn).map { $0 + $1 }, .paidFor)
  }

  /// Whole noises.
  ///
  /// A rounded Gaussian number on a whole count is the rounded sum: rounding comes after the
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
