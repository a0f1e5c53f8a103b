import CKernels

/// Attention of each position over itself and the positions before it, in several heads.
///
/// A head's output is Σᵢ wᵢ · valueᵢ over the positions i up to its own, where w is the softmax of
/// query · keyᵢ / √width (Vaswani and others 2017, arXiv 1706.03762, equation 1, with the causal
/// mask of Chen and others 2018, arXiv 1712.09763). Queries, keys and values of a position lie side
/// by side, each for all heads: 3 · heads · width numbers. A position's sums depend only on the
/// number of preceding positions, so a whole image and one position at a time produce the same
/// bits.
public struct CausalAttention: Hashable, Sendable {
  /// Positions per example, heads, and channels per head.
  public let positionCount: Int, headCount: Int, headWidth: Int

  /// Describes an attention of these sizes.
  public init(positionCount: Int, headCount: Int, headWidth: Int) {
    precondition(positionCount > 0 && headCount > 0 && headWidth > 0, "an attention over nothing")
    self.positionCount = positionCount
    self.headCount = headCount
    self.headWidth = headWidth
  }

  /// Channels of an output: those of all heads.
  public var channels: Int { headCount * headWidth }

  /// Multiply-adds of a forward pass over one example.
  public var multiplyAdds: Int { channels * positionCount * (positionCount + 1) }

  /// Numbers per position that a backward pass needs: two per head.
  public var softmaxCount: Int { 2 * headCount }

  /// Floats from one channel of keys to the next: whole cache lines.
  private var stride: Int { (positionCount + 15) / 16 * 16 }

  /// Size of the keys, or of the values, of one head.
  private var keyCount: Int { headWidth * stride }

  /// Size of the memory for the keys and values of an example, with scratch space.
  package var memoryCount: Int { 2 * headCount * keyCount + stride }

  /// Attends over whole examples: `projected` is batch × positions × 3·channels, `output` is batch
  /// × positions × channels, and `softmax`, batch × positions × `softmaxCount`, is kept for
  /// `backward`.
  public func forward(
    _ projected: Tensor, into output: Tensor, softmax: Tensor, on machine: Machine
  ) {
    let exampleCount = check(projected, output, softmax)
    machine.threads.forEach(exampleCount * headCount) { unit, worker in
      let (example, head) = (unit / headCount, unit % headCount)
      let memory = machine.scratch(worker).floats(2 * keyCount + stride)
      var task = task(keysIn: memory, weights: memory + 2 * keyCount)
      for position in 0..<positionCount {
        let place = example * positionCount + position
        let own = projected.pointer + place * 3 * channels + head * headWidth
        remember(own, position: position, in: memory)
        task.query = UnsafePointer(own)
        task.key_count = position + 1
        task.softmax = softmax.pointer + place * softmaxCount + 2 * head
        task.output = output.pointer + place * channels + head * headWidth
        machine.kernels.table.pointee.f32_attend(&task)
      }
    }
  }

  /// Attends at one position of one example, after all preceding positions.
  ///
  /// Its keys and values are kept in `memory`, which has `memoryCount` numbers. The same position
  /// may be computed again.
  package func attend(
    _ projected: UnsafePointer<Float>, position: Int, memory: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>, on machine: Machine
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { softmax in
      for head in 0..<headCount {
        let own = projected + head * headWidth
        let keys = memory + 2 * head * keyCount
        remember(own, position: position, in: keys)
        var task = task(keysIn: keys, weights: memory + 2 * headCount * keyCount)
        task.query = own
        task.key_count = position + 1
        task.softmax = softmax.baseAddress
        task.output = output + head * headWidth
        machine.kernels.table.pointee.f32_attend(&task)
      }
    }
  }

  /// Computes the gradient of `projected` from that of `output` and the operands of `forward`.
  public func backward(
    _ outputGradient: Tensor, projected: Tensor, output: Tensor, softmax: Tensor,
    into projectedGradient: Tensor, on machine: Machine
  ) {
    let exampleCount = check(projected, output, softmax)
    precondition(
      outputGradient.count == output.count && projectedGradient.count == projected.count,
      "\(outputGradient.shape) into \(projectedGradient.shape)")
    machine.threads.forEach(exampleCount * headCount) { unit, worker in
      let (example, head) = (unit / headCount, unit % headCount)
      let rows = Self.queriesPerBlock * (stride + headWidth)
      let memory = machine.scratch(worker).floats(4 * keyCount + 2 * rows)
      let sums = memory + 2 * keyCount
      sums.update(repeating: 0, count: 2 * keyCount)
      // For the current queries: score gradients and queries, then weights and output gradients.
      let ofKeys = memory + 4 * keyCount
      let ofValues = ofKeys + rows
      var task = task(keysIn: memory, weights: ofValues)
      var gradient = ck_attention_gradient()
      let first = example * positionCount
      for position in 0..<positionCount {
        let place = first + position
        let row = position % Self.queriesPerBlock
        let own = projected.pointer + place * 3 * channels + head * headWidth
        let ownGradient = outputGradient.pointer + place * channels + head * headWidth
        remember(own, position: position, in: memory)
        task.query = UnsafePointer(own)
        task.key_count = position + 1
        task.softmax = softmax.pointer + place * softmaxCount + 2 * head
        task.output = output.pointer + place * channels + head * headWidth
        task.weights = ofValues + row * stride
        gradient.score_gradients = ofKeys + row * stride
        gradient.output_gradient = UnsafePointer(ownGradient)
        gradient.query_gradient =
          projectedGradient.pointer + place * 3 * channels + head * headWidth
        machine.kernels.table.pointee.f32_attend_gradient(&task, &gradient)
        keep(own, row: row, position: position, in: ofKeys)
        keep(ownGradient, row: row, position: position, in: ofValues)
        guard row == Self.queriesPerBlock - 1 || position == positionCount - 1 else { continue }
        add(ofKeys, rowCount: row + 1, keyCount: position + 1, to: sums, on: machine)
        add(ofValues, rowCount: row + 1, keyCount: position + 1, to: sums + keyCount, on: machine)
      }
      for position in 0..<positionCount {
        let target =
          projectedGradient.pointer + (first + position) * 3 * channels + head * headWidth
        for channel in 0..<headWidth {
          target[channels + channel] = sums[channel * stride + position]
          target[2 * channels + channel] = sums[keyCount + channel * stride + position]
        }
      }
    }
  }

  /// Queries whose gradients are added to those of keys and values together, because each addition
  /// reads and writes all of them.
  private static let queriesPerBlock = 16

  /// Stores a query's factors after the rows of a block, channel × row, and clears its row beyond
  /// its own keys, as far as later rows of the block extend.
  private func keep(
    _ factors: UnsafePointer<Float>, row: Int, position: Int, in block: UnsafeMutablePointer<Float>
  ) {
    let columns = block + Self.queriesPerBlock * stride
    for channel in 0..<headWidth {
      columns[channel * Self.queriesPerBlock + row] = factors[channel]
    }
    let end = min(stride, position + Self.queriesPerBlock)
    let numbers = block + row * stride
    for later in position + 1..<max(position + 1, end) { numbers[later] = 0 }
  }

  /// Adds Σ row · factor over a block's rows to the sums of each channel.
  private func add(
    _ block: UnsafePointer<Float>, rowCount: Int, keyCount: Int,
    to sums: UnsafeMutablePointer<Float>, on machine: Machine
  ) {
    let columns = block + Self.queriesPerBlock * stride
    for channel in 0..<headWidth {
      machine.kernels.table.pointee.f32_weighted_rows(
        block, columns + channel * Self.queriesPerBlock, rowCount, stride, keyCount,
        sums + channel * stride, 1)
    }
  }

  /// Stores one head's key and value of a position, which lie one and two times `channels` after
  /// its query.
  private func remember(
    _ query: UnsafePointer<Float>, position: Int, in keys: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<headWidth {
      keys[channel * stride + position] = query[channels + channel]
      keys[keyCount + channel * stride + position] = query[2 * channels + channel]
    }
  }

  private func task(
    keysIn keys: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>
  ) -> ck_attention {
    var task = ck_attention()
    task.keys = UnsafePointer(keys)
    task.values = UnsafePointer(keys + keyCount)
    task.stride = stride
    task.width = headWidth
    task.scale = 1 / Float(headWidth).squareRoot()
    task.weights = weights
    return task
  }

  private func check(_ projected: Tensor, _ output: Tensor, _ softmax: Tensor) -> Int {
    let exampleCount = output.count / (positionCount * channels)
    let positions = exampleCount * positionCount
    precondition(
      output.count == positions * channels && projected.count == 3 * output.count
        && softmax.count == positions * softmaxCount,
      "\(projected.shape) into \(output.shape) with \(softmax.shape)")
    return exampleCount
  }
}
