public import Compute

/// Muon for matrices, Adam for all other parameters.
///
/// A matrix is updated along its Nesterov momentum with all singular values brought to about one
/// (Jordan and others 2024, "Muon: an optimizer for hidden layers in neural networks"), so that
/// rare directions learn as fast as frequent ones. The step is scaled to the size of an Adam step,
/// 0.2·√max(rows, columns) (Liu and others 2025, arXiv 2502.16982, section 2.2), so that one
/// learning rate serves both rules. A convolution's matrix has one column per filter.
///
/// An update is computed from the gradient alone, so noised gradients stay as private. But noise
/// dominates the small directions of a gradient, and Muon amplifies them.
public final class Muon: Optimizer {
  /// The root mean square of the elements of a typical Adam step.
  private static let adamStepSize: Float = 0.2

  /// A parameter that is a matrix, with the objects that compute its step.
  private struct Matrix {
    let parameter: Parameter
    let orthogonalization: Orthogonalization
    /// The factor that gives the step's elements the root mean square `adamStepSize`.
    let scale: Float
  }

  /// The step size of both rules, and the other constants of Adam.
  public private(set) var constants: AdamConstants
  /// The momentum coefficient for matrices.
  public let momentum: Float
  /// The number of updates so far.
  public var stepCount = 0
  private let matrices: [Matrix]
  private let others: [Parameter]
  /// The momentum of matrices; the first moment of all other parameters.
  private let firstMoment: Tensor
  /// Zero for matrices.
  private let secondMoment: Tensor
  /// Scratch memory for the steps of matrices.
  private let directions: Tensor
  private let store: ParameterStore
  private let machine: Machine

  /// Creates an optimiser for one sealed store, which also owns the optimiser's memory; `isMatrix`
  /// selects the parameters, of two axes or more, that Muon updates: usually the weights of hidden
  /// layers.
  public init(
    for parameters: ParameterStore, _ constants: AdamConstants, momentum: Float = 0.95,
    on machine: Machine, matrices isMatrix: (Parameter) -> Bool
  ) {
    self.constants = constants
    self.momentum = momentum
    self.machine = machine
    store = parameters
    firstMoment = parameters.makeCompanion()
    secondMoment = parameters.makeCompanion()
    directions = parameters.makeCompanion()
    matrices = parameters.parameters.filter(isMatrix).map(Self.matrix)
    others = parameters.parameters.filter { !isMatrix($0) }
  }

  private static func matrix(_ parameter: Parameter) -> Matrix {
    precondition(parameter.shape.rank > 1, "\(parameter.name) is no matrix")
    let columns = parameter.shape[parameter.shape.rank - 1]
    let rows = parameter.shape.count / columns
    // Matrices are distributed over the threads; each thread takes whole matrices.
    return Matrix(
      parameter: parameter,
      orthogonalization: Orthogonalization(
        rows: rows, columns: columns, on: Machine(threadCount: 1)),
      scale: adamStepSize * Float(max(rows, columns)).squareRoot())
  }

  /// The step size of the next update.
  public var learningRate: Float {
    get { constants.learningRate }
    set { constants.learningRate = newValue }
  }

  /// The two moments.
  public var state: [(name: String, tensor: Tensor)] {
    [("firstMoment", firstMoment), ("secondMoment", secondMoment)]
  }

  /// Moves the parameters by one step.
  public func update(_ parameters: ParameterStore, along gradient: Tensor) {
    precondition(parameters === store, "an optimiser serves one store")
    stepCount += 1
    for parameter in others {
      machine.adam(
        parameters: store.values(of: parameter), gradient: part(of: gradient, parameter),
        firstMoment: part(of: firstMoment, parameter),
        secondMoment: part(of: secondMoment, parameter), step: stepCount, constants)
    }
    machine.threads.forEach(matrices.count) { index, _ in
      update(matrices[index], along: gradient)
    }
  }

  private func update(_ matrix: Matrix, along gradient: Tensor) {
    let gradient = part(of: gradient, matrix.parameter).pointer
    let velocity = part(of: firstMoment, matrix.parameter).pointer
    let direction = part(of: directions, matrix.parameter)
    for index in 0..<direction.count {
      velocity[index] = momentum * velocity[index] + gradient[index]
      direction.pointer[index] = gradient[index] + momentum * velocity[index]
    }
    matrix.orthogonalization.apply(direction, into: direction)
    let values = store.values(of: matrix.parameter).pointer
    let rate = learningRate * matrix.scale
    for index in 0..<direction.count { values[index] -= rate * direction.pointer[index] }
  }

  private func part(of buffer: Tensor, _ parameter: Parameter) -> Tensor {
    Tensor(shape: parameter.shape, base: buffer.pointer + parameter.offset)
  }
}
