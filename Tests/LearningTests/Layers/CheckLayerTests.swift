import Compute
import Learning
import TestSupport
import Testing

/// The layer check fails for every fault that it claims to find.
@Suite struct CheckLayerTests {
  @Test func soundLayerPasses() {
    #expect(check(nil) == [])
  }

  @Test(arguments: FaultyScale.Fault.allCases)
  func faultIsFound(_ fault: FaultyScale.Fault) {
    #expect(check(fault) != [])
  }

  @Test func wrongShapeIsFound() {
    #expect(checkLayer(input: Shape(2, 3), output: Shape(3, 2)) { $0.tanh() } != [])
  }

  private func check(_ fault: FaultyScale.Fault?) -> [String] {
    checkLayer(input: Shape(2, 2, 3), output: Shape(2, 2, 3)) {
      $0.append(FaultyScale(fault, input: $0.shape, parameters: $0.parameters))
    }
  }
}

/// A layer with one factor per channel and one fault.
final class FaultyScale: PerExampleLayer {
  enum Fault: CaseIterable {
    case inputGradientIsDouble, gradientIsDouble, axesAreExchanged, weightsAreIgnored
    case normIsTooSmall, normIsTooLarge, examplesAreMixed, emptyBatchHasGradient
    case threadsAreCounted
  }

  let summary = "faulty scale"
  let inputShape: Shape
  var outputShape: Shape { inputShape }
  private let fault: Fault?
  private let store: ParameterStore
  private let scale: Parameter
  private var input: Tensor?
  private var rows: Tensor?

  init(_ fault: Fault?, input: Shape, parameters: ParameterStore) {
    self.fault = fault
    inputShape = input
    store = parameters
    scale = parameters.declare("scale", Shape(input[2]), .ones)
  }

  func parametersChanged() {}

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let output = scaled(input, in: pass)
    switch fault {
    case .examplesAreMixed where pass.exampleCount > 1:
      // Like batch norm: the last example changes the output of the first.
      output.pointer[0] += 0.01 * input.pointer[input.count - 1]
    case .threadsAreCounted:
      output.pointer[0] += Float(pass.machine.threads.threadCount) * 1e-4
    default: break
    }
    return output
  }

  func backward(_ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass) -> Tensor? {
    guard let input else { return nil }
    let products = pass.make(inputShape)
    for index in 0..<products.count {
      products.pointer[index] = outputGradient.pointer[index] * input.pointer[index]
    }
    let rows = pass.make(scale.shape)
    pass.machine.sumPositions(products, channels: scale.shape.count, into: rows)
    if fault == .axesAreExchanged {
      for example in 0..<pass.exampleCount {
        swap(&rows.pointer[example * 3], &rows.pointer[example * 3 + 1])
      }
    }
    self.rows = rows
    let gradient = scaled(outputGradient, in: pass)
    if fault == .inputGradientIsDouble { pass.machine.scale(gradient, by: 2) }
    return needsInputGradient ? gradient : nil
  }

  func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard let rows else { return }
    pass.machine.addSquaredNorms(ofRows: rows, to: norms)
    let factor = fault == .normIsTooSmall ? 1 - 1e-4 : fault == .normIsTooLarge ? 1.01 : 1
    for index in norms.indices { norms[index] *= factor }
  }

  func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    guard let rows else { return }
    let target = store.gradient(of: scale)
    let used = fault == .weightsAreIgnored ? nil : weights
    pass.machine.addWeightedRows(rows, weights: used, to: target)
    if fault == .gradientIsDouble { pass.machine.scale(target, by: 2) }
    if fault == .emptyBatchHasGradient, pass.exampleCount == 0 { target.fill(1) }
  }

  private func scaled(_ tensor: Tensor, in pass: Pass) -> Tensor {
    let result = pass.make(inputShape)
    let factors = store.values(of: scale).pointer
    for index in 0..<result.count {
      result.pointer[index] = tensor.pointer[index] * factors[index % scale.shape.count]
    }
    return result
  }
}
