import Glibc

/// The learning rate as a function of the step alone; no measurement on data may influence it.
public struct LearningRateSchedule: Codable, Hashable, Sendable {
  /// The course of the rate after the warm-up.
  public enum Course: Codable, Hashable, Sendable {
    /// It stays constant.
    case constant
    /// Half a cosine from the peak to `floor` times the peak at the last step `end`.
    case cosine(end: Int, floor: Double)
    /// It is multiplied by `factor` after every `interval` steps.
    case stepwise(interval: Int, factor: Double)

    /// Half a cosine from the peak at the first of so many steps to `floor` times the peak at the last one.
    public static func cosine(over stepCount: Int, floor: Double) -> Course {
      .cosine(end: max(1, stepCount - 1), floor: floor)
    }
  }

  /// The largest rate.
  public let peak: Double
  /// Steps over which the rate rises linearly to the peak; zero for none.
  public let warmUpSteps: Int
  /// The course of the rate after the warm-up.
  public let course: Course

  /// Creates a schedule.
  public init(_ peak: Double, warmUpSteps: Int = 0, _ course: Course = .constant) {
    precondition(
      peak > 0 && warmUpSteps >= 0, "the rate must be positive and the warm-up not negative")
    if case .stepwise(let interval, _) = course {
      precondition(interval > 0, "the interval of a stepwise schedule must be positive")
    }
    self.peak = peak
    self.warmUpSteps = warmUpSteps
    self.course = course
  }

  /// The rate of a step, counted from zero.
  public func rate(at step: Int) -> Float {
    if step < warmUpSteps {
      return Float(peak * Double(step + 1) / Double(warmUpSteps))
    }
    switch course {
    case .constant:
      return Float(peak)
    case .cosine(let end, let floor):
      let length = max(1, end - warmUpSteps)
      let progress = min(1, Double(step - warmUpSteps) / Double(length))
      return Float(peak * (floor + (1 - floor) * 0.5 * (1 + cos(Double.pi * progress))))
    case .stepwise(let interval, let factor):
      return Float(peak * pow(factor, Double((step - warmUpSteps) / interval)))
    }
  }
}
