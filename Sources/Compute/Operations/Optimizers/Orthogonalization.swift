/// Replaces a matrix by one with the same singular vectors and singular values near one: the
/// direction of an update without its preference for components that are already large.
///
/// Five Newton–Schulz iterations of degree five, X ← aX + bXXᵀX + cX(XᵀX)², with the coefficients
/// of Jordan and others (2024, "Muon"). They map singular values from about 1/500 of the matrix's
/// norm upwards into 0.68 to 1.14, instead of slowly to one; updates are not sensitive to that
/// range. One object serves matrices of one size, one at a time.
public final class Orthogonalization: @unchecked Sendable {
  static let iterationCount = 5
  static let linear: Float = 3.4445, cubic: Float = -4.7750, quintic: Float = 2.0315

  /// The sizes of the matrices.
  public let rows: Int, columns: Int
  private let machine: Machine
  /// Whether the matrix is transposed: with more columns than rows, the Gram matrix is then smaller.
  private let isTurned: Bool
  private let long: Int, short: Int
  /// Products with a square matrix on the right, and Gram matrices: the rows are examples of a
  /// dense layer.
  private let product: ConvolutionPlan
  private let memory: Arena
  private let gram: Tensor, square: Tensor
  private var present: Tensor, next: Tensor

  /// Prepares for matrices of `rows` × `columns`.
  public init(rows: Int, columns: Int, on machine: Machine) {
    precondition(rows > 0 && columns > 0, "a matrix of \(rows)×\(columns)")
    self.rows = rows
    self.columns = columns
    self.machine = machine
    isTurned = rows < columns
    long = max(rows, columns)
    short = min(rows, columns)
    product = ConvolutionPlan(.dense(inputs: short, outputs: short), on: machine)
    let memory = Arena(blockByteCount: 1 << 12)
    gram = memory.make(Shape(short, short))
    square = memory.make(Shape(short, short))
    present = memory.make(Shape(long, short))
    next = memory.make(Shape(long, short))
    self.memory = memory
  }

  /// Writes the orthogonalised `matrix` (rows × columns, row by row) to `result`, which may be the
  /// same tensor; zero stays zero, and a row of zeros stays zero.
  public func apply(_ matrix: Tensor, into result: Tensor) {
    precondition(
      matrix.count == rows * columns && result.count == matrix.count,
      "\(matrix.shape) and \(result.shape) for a matrix of \(rows)×\(columns)")
    load(matrix)
    for _ in 0..<Self.iterationCount { iterate() }
    copy(present.pointer, turned: isTurned, rows: long, columns: short, to: result.pointer)
  }

  /// Loads the matrix with its norm scaled to one, so that no singular value exceeds one.
  private func load(_ matrix: Tensor) {
    copy(matrix.pointer, turned: isTurned, rows: rows, columns: columns, to: present.pointer)
    var squares = 0.0
    for index in 0..<present.count {
      squares += Double(present.pointer[index]) * Double(present.pointer[index])
    }
    machine.scale(present, by: squares > 0 ? Float(1 / squares.squareRoot()) : 0)
  }

  private func iterate() {
    gram.fill(0)
    product.addWeightGradient(input: present, outputGradient: present, into: gram)
    product.setWeights(gram)
    product.forward(gram, bias: nil, into: square)
    machine.scale(square, by: Self.quintic)
    machine.add(gram, scaledBy: Self.cubic, to: square)
    for index in 0..<short { square.pointer[index * (short + 1)] += Self.linear }
    product.setWeights(square)
    product.forward(present, bias: nil, into: next)
    swap(&present, &next)
  }

  private func copy(
    _ source: UnsafePointer<Float>, turned: Bool, rows: Int, columns: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    guard turned else { return target.update(from: source, count: rows * columns) }
    for row in 0..<rows {
      for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
    }
  }
}
