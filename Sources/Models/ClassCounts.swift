public import Datasets
public import Privacy

extension DatasetSnapshot {
  /// The number of images of each class, in label order: private until noised.
  ///
  /// `largest` is the number for which the noise is calibrated: the most images that a unit of
  /// privacy may have.
  public func classCounts(ofUnitsUpTo largest: Int) -> Sensitive<[Int]> {
    requireUnits(ofUpTo: largest)
    return Sensitive(countsByClass())
  }

  /// Traps if a unit has more images than `largest`, for which the noise of an image histogram is calibrated.
  public func requireUnits(ofUpTo largest: Int) {
    precondition(
      imagesByUnit().allSatisfy { $0.count <= largest }, "a unit has more images than declared")
  }
}
