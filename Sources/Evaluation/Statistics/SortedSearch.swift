extension Array {
  /// The first index whose element satisfies a condition; all later elements must satisfy it, and no earlier
  /// one may.
  func firstIndexInOrder(where isPast: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isPast(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
