import Glibc
import Testing

@testable import Evaluation

/// What an attack may find although a guarantee holds.
@Suite struct GuaranteeLimitTests {
  private func guarantee(_ epsilon: Double, _ delta: Double = 0) -> Guarantee {
    Guarantee(epsilon: epsilon, delta: delta, unit: "one file", statement: [])
  }

  @Test func theLargestAreaIsTheIntegralOfBothBounds() {
    for epsilon in [0.0, 0.3, 1, 3, 10] {
      #expect(abs(guarantee(epsilon).largestArea - 1 / (1 + exp(-epsilon))) < 1e-12)
      for delta in [1e-5, 0.01, 0.3] {
        // The midpoint rule.
        let steps = 200_000
        let area = (0..<steps).reduce(0.0) { sum, step in
          let rate = (Double(step) + 0.5) / Double(steps)
          let bounds = [exp(epsilon) * rate + delta, 1 - exp(-epsilon) * (1 - delta - rate), 1]
          return sum + (bounds.min() ?? 0) / Double(steps)
        }
        #expect(abs(guarantee(epsilon, delta).largestArea - area) < 1e-6, "\(epsilon) \(delta)")
      }
    }
  }

  private func ranking(_ shift: Double, count: Int = 400) -> MembershipRanking {
    let scores = (0..<count).map { Double($0) / Double(count) }
    return MembershipRanking(members: scores.map { $0 + shift }, nonMembers: scores)
  }

  @Test func anAttackRefutesAGuaranteeOnlyBeyondItsBound() {
    // Areas of 0.67 and 0.98; epsilon 1 permits 0.73, epsilon 3 0.95, and epsilon 10 nearly 1.
    let weak = (0..<400).map { Double($0) / 400 }
    let slight = MembershipRanking(members: weak.map { $0.squareRoot() }, nonMembers: weak)
    #expect(guarantee(3, 1e-5).permits(slight) && !guarantee(0.1, 1e-5).permits(slight))
    #expect(!guarantee(1, 1e-5).permits(ranking(0.8)) && guarantee(10, 1e-5).permits(ranking(0.8)))
    // A tenth of the members is known for sure: much for epsilon 1, though the area is only 0.55.
    let scores = (0..<400).map { Double($0) / 400 }
    let some = MembershipRanking(
      members: scores.enumerated().map { $0.offset.isMultiple(of: 10) ? 2 : $0.element },
      nonMembers: scores)
    #expect(some.areaUnderCurve < 0.56 && !guarantee(1, 1e-5).permits(some))
    #expect(guarantee(10, 1e-5).permits(some))
  }
}
