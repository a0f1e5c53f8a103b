import Compute
import Learning
import TestSupport
import Testing

@testable import Models

extension NetworkBuilder {
  /// Appends a gate with the same class biases at all positions.
  fileprivate mutating func gatedActivation(classes: Int) {
    append(
      GatedActivation(
        classes: classes, grid: RegionGrid(side: 1, height: shape[0], width: shape[1]),
        input: shape, name: name("gate"), parameters: parameters))
  }

  /// Appends a gated autoregressive network.
  fileprivate mutating func gatedStack(_ layout: GatedStackLayout) {
    append(GatedStack(layout, parameters: parameters, on: machine))
  }
}

@Suite struct PixelModelLayerTests {
  @Test func gatedActivation() {
    #expect(
      checkLayer(input: Shape(2, 3, 10), output: Shape(2, 3, 5)) {
        $0.gatedActivation(classes: 1)
      } == [])
    #expect(
      checkLayer(input: Shape(2, 2, 18), output: Shape(2, 2, 9), classes: 3) {
        $0.gatedActivation(classes: 3)
      } == [])
  }

  @Test func gatedActivationWithRegions() {
    let (shape, grid) = (Shape(5, 4, 6), RegionGrid(side: 3, height: 5, width: 4))
    #expect(
      checkLayer(input: shape, output: Shape(5, 4, 3), classes: 2) {
        $0.append(
          GatedActivation(
            classes: 2, grid: grid, input: shape, name: $0.name("gate"),
            parameters: $0.parameters))
      } == [])
  }

  @Test func gatedActivationWithColumns() {
    let (shape, grid) = (Shape(5, 4, 6), RegionGrid(side: 3, height: 5, width: 4))
    // Two classes and images without one; the last label is theirs.
    let conditions = Conditions(classCount: 2, columnCodeCounts: [3, 2])
    #expect(
      checkLayer(
        input: shape, output: Shape(5, 4, 3), classes: conditions.labelCount + 1, examples: 9
      ) {
        $0.append(
          GatedActivation(
            classes: 3, conditions: conditions, grid: grid, input: shape, name: $0.name("gate"),
            parameters: $0.parameters))
      } == [])
    let onlyColumns = Conditions(classCount: 1, columnCodeCounts: [4])
    #expect(
      checkLayer(
        input: Shape(2, 3, 4), output: Shape(2, 3, 2), classes: onlyColumns.labelCount
      ) {
        $0.append(
          GatedActivation(
            classes: 1, conditions: onlyColumns, grid: RegionGrid(side: 1, height: 2, width: 3),
            input: Shape(2, 3, 4), name: $0.name("gate"), parameters: $0.parameters))
      } == [])
  }

  @Test func aLabelHoldsAClassAndACodeOfEachColumn() {
    let conditions = Conditions(classCount: 3, columnCodeCounts: [2, 4])
    #expect(conditions.labelCount == 24 && conditions.columnRowCount == 6)
    var seen: Set<[Int]> = []
    for label in 0..<3 {
      for sex in 0..<2 {
        for age in 0..<4 {
          let joint = conditions.label(ofClass: label, codes: [UInt8(sex), UInt8(age)])
          var rows: [Int] = []
          conditions.forEachColumnRow(of: joint) { row, _ in rows.append(row) }
          #expect(conditions.classRow(of: joint) == label && rows == [sex, 2 + age])
          seen.insert([joint])
        }
      }
    }
    #expect(seen.count == 24)
    // Images without a class have no columns either.
    conditions.forEachColumnRow(of: 24) { _, _ in Issue.record("a row of no column") }
    #expect(conditions.classRow(of: 24) == 3)
  }

  @Test func aClassChangesAGateOnlyInItsRegion() throws {
    let (shape, grid) = (Shape(5, 4, 2), RegionGrid(side: 2, height: 5, width: 4))
    let store = ParameterStore()
    let gate = GatedActivation(
      classes: 2, grid: grid, input: shape, name: "gate", parameters: store)
    let network = PrivateNetwork([gate], parameters: store, seed: 1, microBatchSize: 1)
    let table = try #require(store.parameters.first { $0.name == "gate.table" })
    // Class 1, lower left region, both numbers.
    for number in 0..<2 { store.values(of: table).pointer[(1 * 4 + 2) * 2 + number] = 1 }
    let changed = (0..<20).filter { position in
      let outputs = [0, 1].map { label -> Float in
        let pass = Pass(on: Machine(threadCount: 1))
        pass.begin(exampleCount: 1, labels: [label])
        let input = pass.make(shape)
        input.fill(0.5)
        return network.network.forward(input, in: pass).array[position]
      }
      return outputs[0] != outputs[1]
    }
    // Rows 3 and 4 (the middle row belongs to the upper half), columns 0 and 1.
    #expect(changed == [12, 13, 16, 17])
  }

  @Test func regionsCoverAnImageInNearlyEqualRectangles() {
    let grid = RegionGrid(side: 7, height: 28, width: 30)
    var sizes = Array(repeating: 0, count: grid.count)
    for row in 0..<28 {
      for column in 0..<30 { sizes[grid.region(row: row, column: column)] += 1 }
    }
    #expect(sizes.allSatisfy { (16...20).contains($0) })
    #expect(grid.region(row: 0, column: 29) == 6 && grid.region(row: 27, column: 0) == 42)
  }

  @Test func maskedConvolution() {
    let geometry = ConvolutionGeometry(
      inputHeight: 3, inputWidth: 4, inputChannels: 3, outputChannels: 6, kernelHeight: 2,
      kernelWidth: 3, stride: 1, padding: .init(top: 1, left: 2, bottom: 0, right: 0))
    #expect(
      checkLayer(input: geometry.inputShape, output: geometry.outputShape) {
        $0.append(
          MaskedConvolution(
            geometry,
            mask: { row, column, input, output in
              row == 0 || column < 2 || input < output % 3
            }, name: $0.name("masked"), initialization: .zeros, parameters: $0.parameters,
            on: $0.machine))
      } == [])
  }

  /// Wide enough for sums of taps, through which rounding would leak masked weights.
  @Test func maskedInputsReachNoOutput() {
    let machine = Machine(threadCount: 1)
    let geometry = ConvolutionGeometry(
      inputHeight: 8, inputWidth: 8, inputChannels: 64, outputChannels: 64, kernelHeight: 3,
      kernelWidth: 3, stride: 1, padding: .all(1))
    var net = NetworkBuilder(input: geometry.inputShape, on: machine)
    net.append(
      MaskedConvolution(
        geometry, mask: { row, column, _, _ in row == 0 || (row == 1 && column == 0) },
        name: "masked", initialization: .normal(standardDeviation: 0.1),
        parameters: net.parameters, on: machine))
    let network = net.network(seed: 2)
    let pass = Pass(on: machine)
    var stream = SeededStream(seed: 3)
    func outputs(lastPixel: Float) -> [Float] {
      pass.begin(exampleCount: 1)
      let input = pass.make(geometry.inputShape)
      stream = SeededStream(seed: 3)
      stream.fillGaussian(input, standardDeviation: 1)
      for channel in input.count - 64..<input.count { input.pointer[channel] = lastPixel }
      return network.forward(input, in: pass).array
    }
    #expect(outputs(lastPixel: 1) == outputs(lastPixel: -3e8))
  }

  /// A vertical stack's convolution: two rows, with enough channels for sums of taps in its gradients.
  private static let vertical = ConvolutionGeometry(
    inputHeight: 8, inputWidth: 8, inputChannels: 64, outputChannels: 128, kernelHeight: 2,
    kernelWidth: 3, stride: 1, padding: .init(top: 1, left: 1, bottom: 0, right: 1))

  @Test func aRowReachesNoOutputAboveIt() {
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Self.vertical.inputShape, on: machine)
    net.append(
      MaskedConvolution(
        Self.vertical, mask: nil, name: "vertical",
        initialization: .normal(standardDeviation: 0.1), parameters: net.parameters, on: machine))
    let network = net.network(seed: 2)
    let pass = Pass(on: machine)
    let rowLength = 8 * 64
    func outputs(row: Int, _ value: Float) -> [Float] {
      pass.begin(exampleCount: 1)
      let input = pass.make(Self.vertical.inputShape)
      var stream = SeededStream(seed: 3)
      stream.fillGaussian(input, standardDeviation: 1)
      (input.pointer + row * rowLength).update(repeating: value, count: rowLength)
      return network.forward(input, in: pass).array
    }
    for row in 1..<8 {
      let above = 0..<(row * 8 * 128)
      #expect(outputs(row: row, 1)[above] == outputs(row: row, -3e8)[above], "row \(row)")
    }
  }

  /// Gradients that are summed in another order than outputs agree with the direct sums.
  @Test func gradientsOfAnUnmaskedConvolutionEqualDirectSums() {
    let machine = Machine(threadCount: 1)
    let count = 8
    let store = ParameterStore()
    let layer = MaskedConvolution(
      Self.vertical, mask: nil, hasBias: false, name: "vertical",
      initialization: .normal(standardDeviation: 0.1), parameters: store, on: machine)
    store.seal(seed: 2)
    layer.parametersChanged()
    let plain = ConvolutionPlan(Self.vertical, form: .patch, on: machine)
    plain.setWeights(store.values)
    let pass = Pass(on: machine)
    pass.begin(exampleCount: count)
    var stream = SeededStream(seed: 4)
    func random(_ shape: Shape) -> Tensor {
      let tensor = pass.make(shape)
      stream.fillGaussian(tensor, standardDeviation: 1)
      return tensor
    }
    let input = random(Self.vertical.inputShape)
    let gradient = random(Self.vertical.outputShape)
    _ = layer.forward(input, in: pass)
    let found = layer.backward(gradient, needsInputGradient: true, in: pass)
    layer.addGradient(weightedBy: nil, in: pass)
    let expected = pass.make(Self.vertical.inputShape)
    plain.backwardData(gradient, into: expected)
    let weightGradient = pass.arena.makeZeros(Self.vertical.weightShape)
    plain.addWeightGradient(input: input, outputGradient: gradient, into: weightGradient)
    #expect(
      differences(
        found?.array ?? [], expected.array.map(Double.init), relative: 1e-4, absolute: 1e-4) == [])
    #expect(
      differences(
        store.gradient.array, weightGradient.array.map(Double.init), relative: 1e-4, absolute: 1e-3)
        == [])
  }

  @Test func convolutionWithoutMaskOrBias() {
    let geometry = ConvolutionGeometry(
      inputHeight: 3, inputWidth: 3, inputChannels: 2, outputChannels: 3, kernelHeight: 2,
      kernelWidth: 2, stride: 1, padding: .all(0))
    #expect(
      checkLayer(input: geometry.inputShape, output: geometry.outputShape) {
        $0.append(
          MaskedConvolution(
            geometry, mask: nil, hasBias: false, name: $0.name("plain"), initialization: .zeros,
            parameters: $0.parameters, on: $0.machine))
      } == [])
  }

  // Seeds for which the rectifiers are further from their kinks than the step of the differences.
  @Test func gatedStackOfGreyImages() {
    let layout = GatedStackLayout(
      height: 4, width: 3, imageChannels: 1, channels: 2, depth: 1, reach: 1, classCount: 2,
      outputCount: 4, groupCount: 1)
    #expect(
      checkLayer(input: Shape(4, 3, 1), output: Shape(4, 3, 4), classes: 2, examples: 2) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test func gatedStackWithClassRegions() {
    let layout = GatedStackLayout(
      height: 4, width: 3, imageChannels: 1, channels: 2, depth: 1, reach: 1, classCount: 2,
      classRegions: 3, outputCount: 4, groupCount: 1)
    #expect(
      checkLayer(input: Shape(4, 3, 1), output: Shape(4, 3, 4), classes: 2, examples: 2) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test(arguments: [1, 2, 3]) func gatedStackOfColourImagesInGroups(seed: UInt64) {
    let layout = GatedStackLayout(
      height: 3, width: 2, imageChannels: 3, channels: 3, depth: 1, reach: 1, classCount: 1,
      outputCount: 6, groupCount: 3)
    #expect(
      checkLayer(input: Shape(3, 2, 3), output: Shape(3, 2, 6), examples: 2, seed: seed) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test(arguments: [1, 3]) func gatedStackWithFourierFeatures(groups: Int) {
    let layout = GatedStackLayout(
      height: 3, width: 2, imageChannels: 3, channels: 3, depth: 1, reach: 1, classCount: 1,
      outputCount: 6, groupCount: groups, fourierFeatures: FourierFeatures(bits: 2, octaves: 2))
    #expect(
      checkLayer(input: Shape(3, 2, 3), output: Shape(3, 2, 6), examples: 2) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test(arguments: [1, 3], [1, 2, 3] as [UInt64])
  func gatedStackWithAttention(groups: Int, seed: UInt64) {
    let layout = GatedStackLayout(
      height: 3, width: 2, imageChannels: 3, channels: 3, depth: 1, reach: 1, classCount: 1,
      outputCount: 6, groupCount: groups, attention: GatedAttentionSizes(layers: 1, heads: 3))
    #expect(
      checkLayer(input: Shape(3, 2, 3), output: Shape(3, 2, 6), examples: 2, seed: seed) {
        $0.gatedStack(layout)
      } == [])
  }

  @Test func attentionIsSpreadOverTheBlocksBeforeTheLast() {
    let places = [1, 2, 6].map { count in
      let layout = GatedStackLayout(
        height: 3, width: 3, imageChannels: 1, channels: 6, depth: 6, reach: 1, classCount: 1,
        outputCount: 6, groupCount: 1, attention: GatedAttentionSizes(layers: count, heads: 2))
      return (0..<layout.blockCount).filter { layout.attentionHeads(behind: $0) == 2 }
    }
    #expect(places == [[3], [2, 4], [0, 1, 2, 3, 4, 5]])
  }

  @Test func fourierFeaturesOfALevelAreCosinesAndSinesOfItsRemainders() {
    let features = FourierFeatures(bits: 3, octaves: 3)
    let half = Float(0.5).squareRoot()
    // Periods of eight, four and two levels; the remainders of level 5 are 5, 1 and 1.
    #expect(features.count == 5)
    let numbers = Array(features.table[25..<30])
    for (number, expected) in zip(numbers, [-half, -half, 0, 1, -1]) {
      #expect(abs(number - expected) < 1e-6)
    }
    #expect(FourierFeatures(bits: 3, octaves: 0).table.isEmpty)
  }

  @Test func aSumOfAllFourierFeaturesIsLargestAtOneLevel() {
    let features = FourierFeatures(bits: 8, octaves: 8)
    let codes = (0..<256).map { Array(features.table[($0 * 15)..<(($0 + 1) * 15)]) }
    for level in 0..<256 {
      let sums = codes.map { code in zip(code, codes[level]).reduce(0) { $0 + $1.0 * $1.1 } }
      let others = sums.indices.filter { $0 != level }.map { sums[$0] }
      #expect(abs(sums[level] - 8) < 1e-4)
      // A neighbour differs at least in the shortest period, by two, and also in longer ones.
      #expect(others.allSatisfy { $0 < 6.01 }, "level \(level)")
    }
  }
}
