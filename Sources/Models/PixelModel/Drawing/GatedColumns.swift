import Compute

/// Evaluates a gated autoregressive network pixel by pixel, and caches the state for later pixels.
///
/// A pixel costs one column of work instead of a whole image (Ramachandran and others 2017, arXiv
/// 1704.06001): the vertical stack is computed for a whole row as soon as the rows above are known,
/// the horizontal stack for one pixel at a time. All products run over a group of images, and sum
/// in the same order as the network's own convolutions.
///
/// It serves one thread at a time and has its own machine, so several instances can run in parallel.
final class GatedColumns {
  /// Sizes and connections.
  let layout: GatedStackLayout
  /// The largest number of images in a group.
  let capacity: Int
  /// The images of the group, capacity × height × width × channels; the caller writes pixels.
  let images: Tensor
  private let memory = Arena(blockByteCount: 1 << 20)
  private let planes: PixelPlanes
  private var blocks: [GatedColumnBlock] = []
  /// The attention after each block, nil for most.
  private var attentions: [GatedColumnAttention?] = []
  private let hidden: GatedColumnProduct
  private let output: GatedColumnProduct
  private let skip: Tensor
  private let hiddenValues: Tensor
  private let outputs: Tensor
  private var labels: [Int] = []

  /// Prepares an evaluation of up to `capacity` images with a network's parameters, which are
  /// copied; `values` returns them by name.
  init(
    _ layout: GatedStackLayout, capacity: Int, parameters values: (_ name: String) -> Tensor
  ) {
    let machine = Machine(threadCount: 1)
    self.layout = layout
    planes = PixelPlanes(layout)
    self.capacity = capacity
    images = memory.makeZeros(
      Shape(capacity, layout.height, layout.width, layout.imageChannels))
    hidden = GatedColumnProduct(layout.hidden, values, in: memory, on: machine)
    output = GatedColumnProduct(layout.output, values, in: memory, on: machine)
    skip = memory.make(Shape(capacity, layout.channels))
    hiddenValues = memory.make(Shape(capacity, layout.headChannels))
    outputs = memory.make(Shape(capacity, layout.outputCount))
    blocks = (0..<layout.blockCount).map {
      GatedColumnBlock(
        $0, of: layout, capacity: capacity, parameters: values, in: memory, on: machine)
    }
    attentions = (0..<layout.blockCount).map { block in
      layout.attentionHeads(behind: block).map {
        GatedColumnAttention(
          block, of: layout, heads: $0, capacity: capacity, parameters: values, in: memory,
          on: machine)
      }
    }
  }

  /// Starts a group of images of these classes and forgets the state of the last group.
  func begin(labels: [Int]) {
    precondition(labels.count <= capacity, "\(labels.count) images for \(capacity) places")
    let limit = max(layout.classCount, layout.conditions.labelCount + 1)
    precondition(
      labels.allSatisfy { (0..<limit).contains($0) }, "a label is not below \(limit)")
    self.labels = labels
    for block in blocks { block.begin(labels: labels) }
  }

  /// Moves the vertical stack to a row; rows are visited in order, and the rows above are known.
  func beginRow(_ row: Int) {
    blocks[0].gatherRowsAbove(row, of: images, as: planes, count: labels.count)
    for (index, block) in blocks.enumerated() {
      block.advanceRow(row, count: labels.count)
      if index + 1 < blocks.count { blocks[index + 1].takeRow(block.stream, count: labels.count) }
    }
  }

  /// Whether all pixels of the rows above must have been visited.
  var needsEveryPixel: Bool { layout.attention != nil }

  /// The network's outputs at a pixel, images × outputs, from the known part of the images.
  ///
  /// Columns are visited in order. A pixel may be visited again after more of its channels are
  /// known.
  func outputs(row: Int, column: Int, isFirstVisit: Bool) -> Tensor {
    let count = labels.count
    blocks[0].gatherPixels(
      row: row, column: column, of: images, as: planes, count: count)
    if isFirstVisit {
      for block in blocks.dropFirst() { block.shiftPixels(isFirstColumn: column == 0) }
    }
    skip.fill(0)
    for (index, block) in blocks.enumerated() {
      let next = index + 1 < blocks.count ? blocks[index + 1] : nil
      block.advancePixel(row: row, column: column, count: count, skip: skip, into: next)
      guard let next, let attention = attentions[index] else { continue }
      attention.advancePixel(row: row, column: column, count: count, in: next)
    }
    rectify(skip)
    hidden.run(skip, into: hiddenValues, count: count)
    rectify(hiddenValues)
    output.run(hiddenValues, into: outputs, count: count)
    return outputs.examples(from: 0, count: count)
  }

  private func rectify(_ tensor: Tensor) {
    let values = tensor.pointer
    for index in 0..<tensor.count { values[index] = values[index] > 0 ? values[index] : 0 }
  }
}
