/// Whether a signal was still improving when training ended.
struct TrainingTrend {
  enum Course: String {
    case improving, flat, worsening, unknown
  }

  /// The course of its last third.
  let course: Course
  /// The change over the last third, relative to the whole range of the signal.
  let relativeChange: Double

  /// Fits a line to the last third of the values.
  ///
  /// The signal has a trend if the slope differs from zero at the 95 % level (Student) and the change exceeds a
  /// fiftieth of the signal's range. If a signal has standard errors, the last value is compared with that at
  /// three quarters instead: it has a trend if they differ by more than twice their joint error.
  init(_ signal: TrainingSignal) {
    if let errors = signal.errors {
      self.init(signal, errors)
    } else {
      self.init(fittedTo: signal)
    }
  }

  private init(_ signal: TrainingSignal, _ errors: [Double]) {
    let end = signal.values.count - 1
    guard end > 0, let earlier = signal.steps.lastIndex(where: { $0 <= 0.75 * signal.steps[end] }),
      signal.values.allSatisfy(\.isFinite), errors.allSatisfy(\.isFinite)
    else {
      course = .unknown
      relativeChange = 0
      return
    }
    let change = signal.values[end] - signal.values[earlier]
    let range = (signal.values.max() ?? 0) - (signal.values.min() ?? 0)
    relativeChange = range > 0 ? change / range : 0
    let error = (errors[end] * errors[end] + errors[earlier] * errors[earlier]).squareRoot()
    guard signal.direction != .target, abs(change) > 2 * error else {
      course = .flat
      return
    }
    course = (change > 0) == (signal.direction == .higher) ? .improving : .worsening
  }

  private init(fittedTo signal: TrainingSignal) {
    let count = signal.values.count / 3
    let steps = Array(signal.steps.suffix(count))
    let values = Array(signal.values.suffix(count))
    guard count >= 4, values.allSatisfy(\.isFinite) else {
      course = .unknown
      relativeChange = 0
      return
    }
    let n = Double(count)
    let meanStep = steps.reduce(0, +) / n
    let meanValue = values.reduce(0, +) / n
    let spread = steps.reduce(0) { $0 + ($1 - meanStep) * ($1 - meanStep) }
    let slope =
      zip(steps, values).reduce(0) { $0 + ($1.0 - meanStep) * ($1.1 - meanValue) } / spread
    let residual = zip(steps, values).reduce(0) {
      let error = $1.1 - meanValue - slope * ($1.0 - meanStep)
      return $0 + error * error
    }
    let error = (residual / (n - 2) / spread).squareRoot()
    let range = (signal.values.max() ?? 0) - (signal.values.min() ?? 0)
    let change = slope * ((steps.last ?? 0) - (steps.first ?? 0))
    relativeChange = range > 0 ? change / range : 0
    let bound = SpecialFunctions.studentQuantile(0.975, degreesOfFreedom: count - 2)
    guard signal.direction != .target, abs(slope) > bound * error, abs(relativeChange) > 0.02 else {
      course = .flat
      return
    }
    course = (slope > 0) == (signal.direction == .higher) ? .improving : .worsening
  }
}
