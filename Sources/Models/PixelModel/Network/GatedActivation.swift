import Compute
import Learning

/// A class-conditional gate: half of the channels passes through tanh and is multiplied by the
/// sigmoid of the other half.
///
/// It is the gate of van den Oord and others (2016, arXiv 1606.05328, equations 2 and 4). First a
/// learned bias per channel is added: a bias shared by all classes and positions, and, with several
/// classes, a bias of the example's class, which may differ between regions of the image (section
/// 2.3 there: location-dependent conditioning). Columns of a table beside the images have biases of
/// their own, one row for each code; an example gets the sum of its rows.
final class GatedActivation: PerExampleLayer {
  /// The shape of one input example; its last axis has 2C channels.
  let inputShape: Shape
  /// The shape of one output example; its last axis has C channels.
  let outputShape: Shape
  /// The number of classes, that of images without one included; with one and no columns, labels are not read.
  let classCount: Int
  private let conditions: Conditions
  private let store: ParameterStore
  private let bias: Parameter
  /// classes × (regions · 2C).
  private let table: Parameter?
  /// codes of all columns × 2C.
  private let columnTable: Parameter?
  /// The regions in which a class has its own biases.
  private let grid: RegionGrid
  private let regions: [Int]
  /// The offset of each position's biases among those of its class; nil if all positions share them.
  private let biasOffsets: [Int32]?
  /// The factor of the table's entries.
  private let classGain: Float
  /// Tanh and sigmoid of the last forward pass, batch × input shape.
  private var parts: Tensor?
  private var inputGradient: Tensor?
  /// batch × 2C: each example's gradient of the shared biases.
  private var rowGradients: Tensor?
  /// batch × (regions · 2C): each example's gradient of its class's biases, divided by the gain.
  private var regionGradients: Tensor?

  /// Creates a gate named `name` whose class biases differ between the regions of `grid`, which
  /// divides the rows and columns of an input (its first two axes); the biases are in `store` and
  /// start at zero.
  ///
  /// - Parameters:
  ///   - classes: rows of the table of classes.
  ///   - conditions: what a label means; nil without columns.
  init(
    classes: Int, conditions: Conditions? = nil, grid: RegionGrid, input: Shape, name: String,
    parameters store: ParameterStore
  ) {
    precondition(
      input.rank > 0 && input[input.rank - 1].isMultiple(of: 2),
      "a gate needs an even number of channels, not \(input)")
    precondition(classes > 0, "a gate has at least one class")
    precondition(
      grid.count == 1 || input.rank == 3 && classes > 1, "regions of \(input), \(classes) classes")
    inputShape = input
    outputShape = Shape(input.extents.dropLast() + [input[input.rank - 1] / 2])
    classCount = classes
    self.conditions = conditions ?? Conditions(classCount: classes)
    self.grid = grid
    regions = (0..<(2 * outputShape.count / input[input.rank - 1])).map {
      grid.count == 1 ? 0 : grid.region(row: $0 / input[1], column: $0 % input[1])
    }
    biasOffsets =
      grid.count == 1 ? nil : regions.map { Int32($0 * input[input.rank - 1]) }
    self.store = store
    classGain = Self.classGain(classes)
    bias = store.declare("\(name).bias", Shape(input[input.rank - 1]), .zeros)
    table =
      classes > 1
      ? store.declare("\(name).table", Shape(classes, grid.count * input[input.rank - 1]), .zeros)
      : nil
    let rows = self.conditions.columnRowCount
    columnTable =
      rows > 0
      ? store.declare("\(name).columns.table", Shape(rows, input[input.rank - 1]), .zeros) : nil
  }

  /// The factor of a table's entries.
  ///
  /// Each class occurs in one of `classes` examples, so its gradient is smaller by that factor
  /// relative to the noise of private training. A gain of √classes reduces the disadvantage to
  /// √classes.
  private static func classGain(_ classes: Int) -> Float {
    Float(classes).squareRoot()
  }

  /// The biases of each class and region, classes × regions × 2C, from the parameters of a gate.
  static func classBiases(
    classes: Int, bias: Tensor, table: Tensor?
  ) -> [Float] {
    (0..<(table?.count ?? classes * bias.count)).map { index in
      bias.pointer[index % bias.count] + (table?.pointer[index] ?? 0) * classGain(classes)
    }
  }

  /// The biases of each example: those of its class and region, and those of its columns' codes.
  ///
  /// - Returns: examples × regions × 2C.
  static func biases(
    of labels: [Int], _ conditions: Conditions, classBiases: [Float], regions: Int, columns: Tensor
  ) -> [Float] {
    let width = columns.shape[1]
    let stride = regions * width
    var biases: [Float] = []
    biases.reserveCapacity(labels.count * stride)
    for label in labels {
      var sums = [Float](repeating: 0, count: width)
      conditions.forEachColumnRow(of: label) { row, column in
        let gain = classGain(conditions.columnCodeCounts[column])
        let values = columns.pointer + row * width
        for index in 0..<width { sums[index] += gain * values[index] }
      }
      let own = conditions.classRow(of: label) * stride
      for index in 0..<stride { biases.append(classBiases[own + index] + sums[index % width]) }
    }
    return biases
  }

  var summary: String {
    (classCount > 1 ? "gate \(channelCount), \(classCount) classes" : "gate \(channelCount)")
      + (columnTable == nil ? "" : ", \(conditions.columnCodeCounts.count) columns")
  }

  private var channelCount: Int { outputShape[outputShape.rank - 1] }

  private var positionCount: Int { outputShape.count / channelCount }

  func parametersChanged() {}

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let labels = labels(of: pass)
    let biases = biases(of: labels)
    let gates = Gates(channels: channelCount, on: pass.machine)
    let positions = positionCount
    let classStride = grid.count * 2 * channelCount
    let (inputs, outputs) = (positions * 2 * channelCount, positions * channelCount)
    let output = pass.make(outputShape)
    let parts = pass.make(inputShape)
    let hasOwnBiases = columnTable != nil
    pass.machine.threads.forEach(pass.exampleCount) { [biasOffsets] example, _ in
      biases[((hasOwnBiases ? example : labels[example]) * classStride)...].withUnsafeBufferPointer
      { biases in
        guard let biases = biases.baseAddress else { return }
        gates.forward(
          input.pointer + example * inputs, biases: biases, offsets: biasOffsets,
          positions: positions, parts: parts.pointer + example * inputs,
          into: output.pointer + example * outputs)
      }
    }
    self.parts = parts
    return output
  }

  /// The biases of each class; with columns, those of each example.
  private func biases(of labels: [Int]) -> [Float] {
    let ofClasses = Self.classBiases(
      classes: classCount, bias: store.values(of: bias), table: table.map(store.values(of:)))
    guard let columnTable else { return ofClasses }
    return Self.biases(
      of: labels, conditions, classBiases: ofClasses, regions: grid.count,
      columns: store.values(of: columnTable))
  }

  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard let parts else { preconditionFailure("backward before forward") }
    rowGradients = nil
    regionGradients = nil
    let gates = Gates(channels: channelCount, on: pass.machine)
    let positions = positionCount
    let (inputs, outputs) = (positions * 2 * channelCount, positions * channelCount)
    let inputGradient = pass.make(inputShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      gates.backward(
        outputGradient.pointer + example * outputs, parts: parts.pointer + example * inputs,
        positions: positions, into: inputGradient.pointer + example * inputs)
    }
    self.inputGradient = inputGradient
    return needsInputGradient ? inputGradient : nil
  }

  func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    // The shared bias gets the row itself; the class's entries get the regions' rows times the gain.
    let shared = pass.squaredNorms(of: rows(in: pass))
    for example in norms.indices { norms[example] += shared[example] }
    if table != nil {
      let gain = Double(classGain) * Double(classGain)
      let own = pass.squaredNorms(of: regionRows(in: pass))
      for example in norms.indices { norms[example] += gain * own[example] }
    }
    guard columnTable != nil else { return }
    // Each code of an example has a row of its own, which gets the shared row times the gain of its column.
    for (example, label) in labels(of: pass).enumerated() {
      conditions.forEachColumnRow(of: label) { _, column in
        let gain = Double(Self.classGain(conditions.columnCodeCounts[column]))
        norms[example] += gain * gain * shared[example]
      }
    }
  }

  func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    let rows = rows(in: pass)
    pass.machine.addWeightedRows(rows, weights: weights, to: store.gradient(of: bias))
    let labels = labels(of: pass)
    if let table {
      let scaled = pass.make(Shape(grid.count * 2 * channelCount))
      scaled.copy(from: regionRows(in: pass))
      pass.machine.scale(scaled, by: classGain)
      addClassRows(
        scaled, weightedBy: weights, labels: labels.map(conditions.classRow),
        to: store.gradient(of: table))
    }
    guard let columnTable else { return }
    addColumnRows(rows, weights, labels, to: store.gradient(of: columnTable))
  }

  /// Adds each example's row to the rows of its codes, in the order of the batch, so that sums do not depend on
  /// threads.
  private func addColumnRows(
    _ rows: Tensor, _ weights: Tensor?, _ labels: [Int], to gradient: Tensor
  ) {
    let width = 2 * channelCount
    for (example, label) in labels.enumerated() {
      let source = rows.pointer + example * width
      conditions.forEachColumnRow(of: label) { row, column in
        let factor =
          (weights?.pointer[example] ?? 1) * Self.classGain(conditions.columnCodeCounts[column])
        let target = gradient.pointer + row * width
        for index in 0..<width { target[index] += factor * source[index] }
      }
    }
  }

  private func labels(of pass: Pass) -> [Int] {
    classCount > 1 || columnTable != nil
      ? pass.labels(below: max(classCount, conditions.labelCount + 1))
      : Array(repeating: 0, count: pass.exampleCount)
  }

  private func rows(in pass: Pass) -> Tensor {
    if let rowGradients { return rowGradients }
    guard let inputGradient else { preconditionFailure("gradient before backward") }
    let sums = pass.make(Shape(2 * channelCount))
    pass.machine.sumPositions(inputGradient, channels: 2 * channelCount, into: sums)
    rowGradients = sums
    return sums
  }

  private func regionRows(in pass: Pass) -> Tensor {
    if grid.count == 1 { return rows(in: pass) }
    if let regionGradients { return regionGradients }
    guard let inputGradient else { preconditionFailure("gradient before backward") }
    let channels = 2 * channelCount
    let sums = pass.make(Shape(grid.count * channels))
    sums.fill(0)
    pass.machine.threads.forEach(pass.exampleCount) { [grid, regions] example, _ in
      var source = inputGradient.pointer + example * regions.count * channels
      for region in regions {
        let target = sums.pointer + (example * grid.count + region) * channels
        for channel in 0..<channels { target[channel] += source[channel] }
        source += channels
      }
    }
    regionGradients = sums
    return sums
  }
}
