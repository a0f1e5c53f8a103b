extension Array {
  /// The first place from which on all elements of an array satisfy a condition that none before it
  /// satisfies.
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
