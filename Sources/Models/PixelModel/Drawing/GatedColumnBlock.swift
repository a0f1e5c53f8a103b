import Compute

/// One block of `GatedColumns`: its products and its state from earlier rows and pixels.
final class GatedColumnBlock {
  private let layout: GatedStackLayout
  private let isFirst: Bool
  private let capacity: Int
  private let inputChannels: Int
  /// Rows that the vertical product reads, and pixels that the horizontal product reads.
  private let rowCount: Int, pixelCount: Int
  private let vertical: GatedColumnProduct
  private let link: GatedColumnProduct
  private let horizontal: GatedColumnProduct
  private let projection: GatedColumnProduct
  private let gates: Gates
  /// The regions in which classes have their own biases.
  private let grid: RegionGrid
  /// Biases of the gates.
  private let verticalTable: GateBiases
  private let horizontalTable: GateBiases
  /// The last rows of the vertical stream before this block, images × rows × width × channels.
  private let rows: Tensor
  /// The last pixels of the horizontal stream before this block, images × pixels × channels.
  private let pixels: Tensor
  /// The current row of the vertical stream after this block, images × width × channels.
  let stream: Tensor
  /// The input of the horizontal stack from `stream`, images × width × 2C.
  private let linked: Tensor
  private let verticalSums: Tensor
  private let sums: Tensor
  private let gated: Tensor
  private let projected: Tensor

  init(
    _ index: Int, of layout: GatedStackLayout, capacity: Int,
    parameters values: (String) -> Tensor, in memory: Arena, on machine: Machine
  ) {
    self.layout = layout
    self.capacity = capacity
    isFirst = index == 0
    let above = layout.vertical(index)
    // The first block's own row is masked: its kernel ends in the row above.
    rowCount = isFirst ? layout.reach : above.geometry.kernelHeight
    pixelCount = layout.horizontal(index).geometry.kernelWidth
    inputChannels = above.geometry.inputChannels
    let (width, channels) = (layout.width, layout.channels)
    let padding = above.geometry.padding
    let rowGeometry = ConvolutionGeometry(
      inputHeight: rowCount, inputWidth: width, inputChannels: inputChannels,
      outputChannels: 2 * channels, kernelHeight: rowCount,
      kernelWidth: above.geometry.kernelWidth, stride: 1,
      padding: .init(top: 0, left: padding.left, bottom: 0, right: padding.right))
    func product(
      _ connection: GatedStackLayout.Connection, _ geometry: ConvolutionGeometry? = nil
    ) -> GatedColumnProduct {
      GatedColumnProduct(connection, geometry: geometry, values, in: memory, on: machine)
    }
    vertical = product(above, rowGeometry)
    link = product(layout.link(index))
    horizontal = product(layout.horizontal(index))
    projection = product(layout.projection(index))
    gates = Gates(channels: channels, on: machine)
    let grid = layout.classGrid(index)
    self.grid = grid
    func table(_ name: String) -> GateBiases {
      GateBiases(
        of: "block\(index).\(name)", layout, regions: grid.count, capacity: capacity,
        parameters: values, in: memory)
    }
    verticalTable = table("verticalGate")
    horizontalTable = table("horizontalGate")
    rows = memory.makeZeros(Shape(capacity, rowCount, width, inputChannels))
    pixels = memory.makeZeros(Shape(capacity, pixelCount * inputChannels))
    stream = memory.makeZeros(Shape(capacity, width, channels))
    linked = memory.makeZeros(Shape(capacity, width, 2 * channels))
    verticalSums = memory.makeZeros(Shape(capacity, width, 2 * channels))
    sums = memory.makeZeros(Shape(capacity, 2 * channels))
    gated = memory.makeZeros(Shape(capacity, channels))
    projected = memory.makeZeros(
      Shape(capacity, layout.projection(index).geometry.outputChannels))
  }

  /// Forgets earlier rows: above the image everything is zero, like padding.
  func clear() {
    rows.fill(0)
    pixels.fill(0)
  }

  /// Copies the rows above from the images: the first block's input.
  func gatherRowsAbove(_ row: Int, of images: Tensor, as planes: PixelPlanes, count: Int) {
    let (width, own) = (layout.width, layout.imageChannels)
    for image in 0..<count {
      for above in 0..<rowCount {
        let source = row - rowCount + above
        let target = rows.pointer + (image * rowCount + above) * width * inputChannels
        guard source >= 0 else {
          target.update(repeating: 0, count: width * inputChannels)
          continue
        }
        let line = images.pointer + (image * layout.height + source) * width * own
        for column in 0..<width {
          planes.write(
            line + column * own, row: source, column: column,
            to: target + column * inputChannels)
        }
      }
    }
  }

  /// Copies the next row of the previous block: a later block's input.
  func takeRow(_ row: Tensor, count: Int) {
    let size = layout.width * inputChannels
    for image in 0..<count {
      let target = rows.pointer + image * rowCount * size
      target.update(from: target + size, count: (rowCount - 1) * size)
      (target + (rowCount - 1) * size).update(from: row.pointer + image * size, count: size)
    }
  }

  /// Starts a group of images with these labels and forgets the last one.
  func begin(labels: [Int]) {
    verticalTable.begin(labels: labels)
    horizontalTable.begin(labels: labels)
    clear()
  }

  /// Computes the current row of the vertical stream of `count` images.
  func advanceRow(_ row: Int, count: Int) {
    let (width, channels) = (layout.width, layout.channels)
    vertical.run(rows, into: verticalSums, count: count)
    for image in 0..<count {
      let source = verticalSums.pointer + image * width * 2 * channels
      let target = stream.pointer + image * width * channels
      for column in 0..<width {
        gates.forward(
          source + column * 2 * channels,
          biases: bias(verticalTable, image: image, row: row, column: column), positions: 1,
          into: target + column * channels)
      }
      guard !isFirst else { continue }
      let kept = rows.pointer + (image * rowCount + rowCount - 1) * width * channels
      for index in 0..<(width * channels) { target[index] += kept[index] }
    }
    link.run(
      stream.reshaped(Shape(capacity * width, channels)),
      into: linked.reshaped(Shape(capacity * width, 2 * channels)), count: count * width)
  }

  /// Copies the pixels on the left and the pixel itself from the images: the first block's input.
  func gatherPixels(
    row: Int, column: Int, of images: Tensor, as planes: PixelPlanes, count: Int
  ) {
    let own = layout.imageChannels
    for image in 0..<count {
      let line = images.pointer + (image * layout.height + row) * layout.width * own
      for place in 0..<pixelCount {
        let source = column - pixelCount + 1 + place
        let target = pixels.pointer + (image * pixelCount + place) * inputChannels
        if source < 0 {
          target.update(repeating: 0, count: inputChannels)
        } else {
          planes.write(line + source * own, row: row, column: source, to: target)
        }
      }
    }
  }

  /// Shifts the pixels by one to accept the next pixel, a later block's input.
  func shiftPixels(isFirstColumn: Bool) {
    guard !isFirstColumn else { return pixels.fill(0) }
    for image in 0..<capacity {
      let target = pixels.pointer + image * pixelCount * inputChannels
      target.update(from: target + inputChannels, count: (pixelCount - 1) * inputChannels)
    }
  }

  /// Computes one pixel of the horizontal stream, passes it to the next block and adds to the skips.
  func advancePixel(
    row: Int, column: Int, count: Int, skip: Tensor, into next: GatedColumnBlock?
  ) {
    let (width, channels) = (layout.width, layout.channels)
    horizontal.run(pixels, into: sums, count: count)
    for image in 0..<count {
      let sum = sums.pointer + image * 2 * channels
      let above = linked.pointer + (image * width + column) * 2 * channels
      for channel in 0..<(2 * channels) { sum[channel] += above[channel] }
      gates.forward(
        sum, biases: bias(horizontalTable, image: image, row: row, column: column),
        positions: 1, into: gated.pointer + image * channels)
    }
    projection.run(gated, into: projected, count: count)
    for image in 0..<count {
      let source = projected.pointer + image * (next == nil ? channels : 2 * channels)
      let skips = skip.pointer + image * channels
      for channel in 0..<channels { skips[channel] += source[channel] }
      guard let next else { continue }
      let onward = source + channels
      let target = next.newestPixel(image)
      if isFirst {
        for channel in 0..<channels { target[channel] = onward[channel] }
      } else {
        let kept = newestPixel(image)
        for channel in 0..<channels { target[channel] = onward[channel] + kept[channel] }
      }
    }
  }

  /// The newest pixel of the horizontal stream before this block.
  func newestPixel(_ image: Int) -> UnsafeMutablePointer<Float> {
    pixels.pointer + ((image + 1) * pixelCount - 1) * inputChannels
  }

  private func bias(
    _ biases: GateBiases, image: Int, row: Int, column: Int
  ) -> UnsafePointer<Float> {
    biases.pointer(image: image, region: grid.region(row: row, column: column))
  }
}
