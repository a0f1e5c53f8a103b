import Compute
import TestSupport
import Testing

/// Orthogonalisation brings the singular values of matrices to about one.
@Suite struct OrthogonalizationTests {
  private func orthogonalized(
    _ values: [Float], rows: Int, columns: Int, kernels: Kernels = .preferred
  ) -> [Float] {
    let arena = Arena(blockByteCount: 1 << 12)
    let matrix = arena.make(Shape(rows, columns))
    matrix.assign(values)
    let rule = Orthogonalization(
      rows: rows, columns: columns, on: Machine(threadCount: 1, kernels: kernels))
    let result = arena.make(Shape(rows, columns))
    rule.apply(matrix, into: result)
    rule.apply(matrix, into: matrix)
    #expect(matrix.array == result.array, "in place, and with an object used before")
    return result.array
  }

  @Test(arguments: Kernels.available) func agreesWithTheSingularValues(_ kernels: Kernels) throws {
    let golden = try Golden.arrays("learning/muon.csv")
    let matrix = try golden.array("matrix", of: "orthogonalisation")
    let result = orthogonalized(
      matrix.numbers.map(Float.init), rows: matrix.extents[0], columns: matrix.extents[1],
      kernels: kernels)
    let expected = try golden.numbers("result", of: "orthogonalisation")
    #expect(differences(result, expected, relative: 1e-4, absolute: 1e-4) == [])
  }

  /// The entries of a diagonal matrix keep their signs and lose their magnitudes.
  @Test func magnitudesAreEqualisedAndSignsKept() {
    let result = orthogonalized([100, 0, 0, -3, 0, 0], rows: 3, columns: 2)
    for (index, sign) in [(0, 1), (3, -1)] as [(Int, Float)] {
      #expect((0.65...1.25).contains(result[index] * sign), "\(result[index])")
    }
    #expect([1, 2, 4, 5].allSatisfy { abs(result[$0]) < 1e-6 })
  }

  @Test func transposedMatrixHasTheTransposedResult() {
    let tall: [Float] = [1, 2, -1, 0.5, 3, 1]
    let wide: [Float] = [1, -1, 3, 2, 0.5, 1]
    let first = orthogonalized(tall, rows: 3, columns: 2)
    let second = orthogonalized(wide, rows: 2, columns: 3)
    #expect([first[0], first[2], first[4], first[1], first[3], first[5]] == second)
  }

  @Test func zeroStaysZero() {
    #expect(orthogonalized([0, 0, 0, 0], rows: 2, columns: 2) == [0, 0, 0, 0])
  }
}
