import Compute
import Testing

@testable import Evaluation

@Suite struct StatisticsTests {
  @Test func intervalsOfProportionsAgreeWithScipy() throws {
    for row in try GoldenFile("probability.csv").rows where row[0] == "clopper-pearson" {
      let numbers = try row.dropFirst().map { try #require(Double($0)) }
      let interval = Interval.proportion(Int(numbers[0]), of: Int(numbers[1]))
      #expect(isClose(interval.low, numbers[2], relative: 1e-9))
      #expect(isClose(interval.high, numbers[3], relative: 1e-9))
    }
  }

  @Test func studentQuantilesAgreeWithScipy() throws {
    for row in try GoldenFile("probability.csv").rows where row[0] == "student" {
      let numbers = try row.dropFirst().map { try #require(Double($0)) }
      let freedom = Int(numbers[0])
      let wide = SpecialFunctions.studentQuantile(0.975, degreesOfFreedom: freedom)
      let narrow = SpecialFunctions.studentQuantile(0.9, degreesOfFreedom: freedom)
      #expect(isClose(wide, numbers[2], relative: 1e-9))
      #expect(isClose(narrow, numbers[3], relative: 1e-9))
    }
  }

  @Test func incompleteBetaAgreesWithScipy() throws {
    for row in try GoldenFile("probability.csv").rows where row[0] == "beta" {
      let numbers = try row.dropFirst().map { try #require(Double($0)) }
      let value = SpecialFunctions.regularizedBeta(numbers[2], numbers[0], numbers[1])
      #expect(isClose(value, numbers[3], relative: 1e-11))
    }
  }

  @Test func intervalOfAMeanAgreesWithScipy() throws {
    let row = try #require(try GoldenFile("probability.csv").rows.first { $0[0] == "mean" })
    let interval = try #require(Interval.mean(of: [0.91, 0.93, 0.925, 0.90]))
    #expect(isClose(interval.low, try #require(Double(row[3])), relative: 1e-9))
    #expect(isClose(interval.high, try #require(Double(row[4])), relative: 1e-9))
    #expect(Interval.mean(of: [0.5]) == nil)
  }

  /// Accuracies near one have a Student interval beyond it; no accuracy does.
  @Test func intervalsOfSharesStayBetweenZeroAndOne() throws {
    let accuracies = [0.999, 0.97, 0.998]
    #expect(try #require(Interval.mean(of: accuracies)).high > 1)
    let finding = UtilityFinding(
      kind: .convolutional, onSynthetic: accuracies, withTeacher: [], onReal: [0.99],
      trainCount: 10, testCount: 10)
    #expect(finding.interval.high == 1 && finding.interval.low < 0.97)
    let rival = PrivateRivalFinding(accuracies: accuracies, epsilon: 1, delta: 1e-5)
    #expect(rival.interval?.high == 1)
    let low = PrivateRivalFinding(accuracies: [0.001, 0.03, 0.002], epsilon: 1, delta: 1e-5)
    #expect(low.interval?.low == 0)
    #expect(
      Interval(low: -0.5, high: 1.5, method: "m").ofShare == Interval(low: 0, high: 1, method: "m"))
  }

  @Test func bootstrapCoversTheStandardErrorOfAMean() {
    var stream = SeededStream(seed: 1)
    let values = (0..<400).map { _ in stream.gaussian() }
    let interval = Interval.bootstrap(count: 400, seed: 2) { places in
      places.reduce(0) { $0 + values[$1] } / 400
    }
    // Four standard errors wide: 4 · 1/√400 = 0.2.
    #expect(abs(interval.high - interval.low - 0.196) < 0.03)
    #expect(
      interval
        == Interval.bootstrap(count: 400, seed: 2) { places in
          places.reduce(0) { $0 + values[$1] } / 400
        })
  }

  @Test func eigenvaluesAgreeWithNumpy() throws {
    let rows = try GoldenFile("features.csv").numbers(ofSet: "real")
    let features = FeatureMatrix(width: 12, values: rows.joined().map(Float.init))
    let threads = ThreadPool(threadCount: 1)
    let system = SymmetricEigensystem(
      Moments(features, on: threads).covariance, wantsVectors: false)
    let golden = try GoldenFile("fidelity.csv")
    for index in 0..<12 {
      #expect(
        isClose(system.values[index], try golden.number("eigenvalue\(index)"), relative: 1e-5))
    }
  }

  @Test(arguments: [1, 2, 3, 8, 57])
  func eigenvectorsRebuildTheMatrix(order: Int) {
    var stream = SeededStream(seed: UInt64(order))
    var matrix = SquareMatrix(order: order)
    for row in 0..<order {
      for column in 0...row {
        let value = (row + column) % 5 == 0 ? 0 : stream.gaussian()
        matrix[row, column] = value
        matrix[column, row] = value
      }
    }
    let threads = ThreadPool(threadCount: 1)
    let system = SymmetricEigensystem(matrix, wantsVectors: true)
    let rebuilt = system.applying({ $0 }, on: threads)
    for index in matrix.elements.indices {
      #expect(abs(rebuilt.elements[index] - matrix.elements[index]) < 1e-12 * Double(order + 8))
    }
    let identity = system.applying({ _ in 1 }, on: threads)
    for row in 0..<order {
      for column in 0..<order {
        #expect(abs(identity[row, column] - (row == column ? 1 : 0)) < 1e-13 * Double(order + 8))
      }
    }
  }
}
