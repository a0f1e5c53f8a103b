public import Compute

/// Branches over the same input, their outputs joined along the last axis.
///
/// An empty branch hands its input on, so one empty and one full branch make a dense skip.
public final class Concatenation: PerExampleLayer {
  /// The branches in the order of their channels.
  public let branches: [[any PerExampleLayer]]
  /// The shape of one input example.
  public let inputShape: Shape
  /// The shape of one output example.
  public let outputShape: Shape
  private let widths: [Int]

  /// Creates a join; outputs of all branches differ in their last axis alone.
  public init(_ branches: [[any PerExampleLayer]], input: Shape) {
    precondition(!branches.isEmpty && input.rank > 0, "a concatenation joins branches")
    let shapes = branches.map { ($0 as [any Layer]).chainedShape(from: input) }
    let rows = Array(shapes[0].extents.dropLast())
    precondition(
      shapes.allSatisfy { Array($0.extents.dropLast()) == rows },
      "branches give \(shapes.map(\.description).joined(separator: ", "))")
    self.branches = branches
    inputShape = input
    widths = shapes.map { $0[$0.rank - 1] }
    outputShape = Shape(rows + [widths.reduce(0, +)])
  }

  /// What `describe` prints.
  public var summary: String {
    let names = branches.map { $0.map(\.summary).joined(separator: ", ") }
    return "concatenation (\(names.joined(separator: " | ")))"
  }

  /// Repacks what depends on the parameters.
  public func parametersChanged() {
    for layer in branches.joined() { layer.parametersChanged() }
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(outputShape)
    var column = 0
    for (branch, width) in zip(branches, widths) {
      let part = (branch as [any Layer]).forward(input, in: pass)
      forEachRow(of: width, in: pass) { row, joinedRow in
        (output.pointer + joinedRow + column).update(from: part.pointer + row, count: width)
      }
      column += width
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    let inputGradient = needsInputGradient ? pass.make(inputShape) : nil
    inputGradient?.fill(0)
    var column = 0
    for (branch, width) in zip(branches, widths) {
      let part = pass.make(Shape(Array(outputShape.extents.dropLast()) + [width]))
      forEachRow(of: width, in: pass) { row, joinedRow in
        (part.pointer + row).update(
          from: outputGradient.pointer + joinedRow + column, count: width)
      }
      column += width
      let gradient = (branch as [any Layer]).backward(
        part, needsInputGradient: needsInputGradient, in: pass)
      if let inputGradient, let gradient { pass.machine.add(gradient, to: inputGradient) }
    }
    return inputGradient
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    for layer in branches.joined() { layer.addSquaredGradientNorms(to: norms, in: pass) }
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    for layer in branches.joined() { layer.addGradient(weightedBy: weights, in: pass) }
  }

  /// Calls `copy` for each row of the batch with its offset in a part of `width` channels and in the
  /// joined tensor.
  private func forEachRow(of width: Int, in pass: Pass, _ copy: (Int, Int) -> Void) {
    let total = outputShape[outputShape.rank - 1]
    let rows = pass.exampleCount * (outputShape.count / total)
    for row in 0..<rows { copy(row * width, row * total) }
  }
}

extension NetworkBuilder {
  /// Appends branches over the present input, joined along the last axis.
  public mutating func concatenation(_ branches: [(inout NetworkBuilder) -> Void]) {
    let name = name("concatenation")
    let built = branches.enumerated().map { index, build in
      layers(of: "\(name).branch\(index + 1).", build)
    }
    append(Concatenation(built, input: shape))
  }
}
