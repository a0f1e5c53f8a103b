import Compute
import Learning
import Privacy
import TestSupport
import Testing

/// The vectors of codes whose noisy sum shows where codes lie.
@Suite struct CodeMomentsTests {
  private static let size = 3

  /// The moments of codes that are the examples themselves.
  private func moments(_ products: CodeMoments.Products, largestNorm: Double = 2) -> CodeMoments {
    CodeMoments(
      of: [KeyedImages(input: Shape(Self.size))], products: products, largestNorm: largestNorm,
      on: Machine(threadCount: 1))
  }

  private func sum(
    _ codes: [[Float]], _ moments: CodeMoments
  ) throws -> [Double] {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 10)
    let sum = VectorSum(momentsOf: moments, classCount: 1, countShare: 0.3, by: mechanism)
    return sum.unprotected(over: PrivateExamples(ArrayExamples(codes)), .test) ?? []
  }

  private func norm(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// The sum would shorten longer vectors, whatever they hold; the moments would then be wrong.
  @Test(arguments: [CodeMoments.Products.squares, .all])
  func aCodeHoweverLongAddsAVectorOfAtMostNormOne(_ products: CodeMoments.Products) throws {
    for code in [[0.1, 0, 0], [3, 4, -2], [1e20, -1e20, 1e20], [0, 0, 2]] as [[Float]] {
      let vector = try sum([code], moments(products))
      #expect(norm(vector) <= 1 + 1e-5)
      // Of a code beyond the bound, the direction is kept.
      let length = norm(code.map(Double.init))
      let scale = min(1, 2 / length) / 2 * CodeMoments.meanShare * (1 - 0.09).squareRoot()
      for index in 0..<Self.size {
        #expect(abs(vector[index] - Double(code[index]) * scale) < 1e-5)
      }
    }
    let long = try sum([[0, 0, 2]], moments(products))
    #expect(abs(norm(long) - 1) < 1e-5)
    #expect(try abs(norm(sum([[2, 2, 2]], moments(.all))) - 1) < 1e-5)
  }

  @Test func aCodeThatIsNotFiniteIsLeftOut() throws {
    for bad in [Float.nan, .infinity] {
      let vector = try sum([[bad, 0, 0], [0, 1, 0]], moments(.all))
      #expect(try vector == sum([[0, 1, 0]], moments(.all)))
    }
  }

  @Test func productsAreThoseOfTheCodesNumbers() throws {
    let vector = try sum([[1, -0.5, 0.2]], moments(.all))
    #expect(vector.count == 3 + 6 + 1)
    let root = 2.0.squareRoot()
    let expected = [1, -0.5 * root, 0.2 * root, 0.25, -0.1 * root, 0.04].map {
      $0 / 4 * CodeMoments.productShare * (1 - 0.09).squareRoot()
    }
    for (found, expected) in zip(vector.dropFirst(3), expected) {
      #expect(abs(found - expected) < 1e-5)
    }
    let squares = try sum([[1, -0.5, 0.2]], moments(.squares))
    #expect(squares.count == 3 + 3 + 1)
    for (place, other) in [(3, 3), (4, 6), (5, 8)] {
      #expect(abs(squares[place] - vector[other]) < 1e-5)
    }
  }
}
