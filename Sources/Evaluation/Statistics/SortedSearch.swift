extension Array {
  /// In an array whose elements from some place on satisfy a condition, and none before: that place.
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
