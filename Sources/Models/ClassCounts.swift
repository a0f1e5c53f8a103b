public import Datasets
public import Privacy

extension DatasetSnapshot {
  /// How many images there are of each class, in label order: private until noised.
  ///
  /// `largest` is what the noise is made for: the most images that a unit of privacy may have.
  public func classCounts(ofUnitsUpTo largest: Int) -> Sensitive<[Int]> {
    requireUnits(ofUpTo: largest)
    return Sensitive(countsByClass())
  }

  /// Traps when a unit has more images than the noise of a histogram of images is made for.
  public func requireUnits(ofUpTo largest: Int) {
    precondition(
      imagesByUnit().allSatisfy { $0.count <= largest }, "a unit with more images than declared")
  }
}
