extension Range<Int> {
  /// The part numbered `index` of `count` parts whose sizes differ by one at most.
  func part(_ index: Int, of count: Int) -> Range<Int> {
    (lowerBound + self.count * index / count)..<(lowerBound + self.count * (index + 1) / count)
  }
}
