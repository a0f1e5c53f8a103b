/// Neighbouring patches along one axis with the same taps inside the image.
struct TapSpan: Equatable {
  let places: Range<Int>, taps: Range<Int>

  /// Cuts an axis of `count` patches, `step` apart, into spans.
  ///
  /// The first patch begins at `start` of an image of `extent` pixels; outside the image there is
  /// only padding.
  static func spans(count: Int, step: Int, start: Int, tapCount: Int, extent: Int) -> [TapSpan] {
    var spans: [TapSpan] = []
    for place in 0..<count {
      let first = start + place * step
      let lower = min(tapCount, max(0, -first))
      let taps = lower..<max(lower, min(tapCount, extent - first))
      if let last = spans.last, last.taps == taps || last.taps.isEmpty && taps.isEmpty {
        spans[spans.count - 1] = TapSpan(places: last.places.lowerBound..<(place + 1), taps: taps)
      } else {
        spans.append(TapSpan(places: place..<(place + 1), taps: taps))
      }
    }
    return spans
  }

  /// The whole axis with all its taps.
  private static func whole(count: Int, tapCount: Int) -> [TapSpan] {
    count > 0 ? [TapSpan(places: 0..<count, taps: 0..<tapCount)] : []
  }

  /// The spans of an axis whose padding is skipped, or the whole axis.
  static func spans(
    leavingOutPadding: Bool, count: Int, step: Int, start: Int, tapCount: Int, extent: Int
  ) -> [TapSpan] {
    leavingOutPadding
      ? spans(count: count, step: step, start: start, tapCount: tapCount, extent: extent)
      : whole(count: count, tapCount: tapCount)
  }
}
