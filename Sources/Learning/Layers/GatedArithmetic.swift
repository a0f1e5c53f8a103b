/// Exponentials eight at a time: library calls, one number each, would cost more than the matrix
/// products around them.
///
/// A lane's result does not depend on its neighbours, so that a number gets the same result
/// wherever it lies in a tensor.
package enum GatedArithmetic {
  /// Eight numbers that are computed side by side.
  package typealias Lanes = SIMD8<Float>

  /// The exponential of each lane, to within 2 units in the last place; arguments are clamped to
  /// [−87, 88], where single precision ends.
  ///
  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2, and eʳ by the minimax polynomial of degree 7 that Cephes
  /// publishes (expf.c); n reaches the exponent by an integer addition.
  @inlinable
  @inline(__always)
  package static func exponential(_ argument: Lanes) -> Lanes {
    var x = argument.replacing(with: -87, where: argument .< -87)
    x.replace(with: 88, where: x .> 88)
    // Adding 1.5·2²³ rounds to the nearest integer, which then stands in the low bits.
    let shifted = x * 1.442_695_04 + 12_582_912
    let whole = shifted - 12_582_912
    let r = (x - whole * 0.693_359_375) + whole * 2.121_944_4e-4
    var polynomial = r * 1.987_569_15e-4 + 1.398_199_95e-3
    polynomial = polynomial * r + 8.333_452e-3
    polynomial = polynomial * r + 4.166_579_6e-2
    polynomial = polynomial * r + 1.666_666_55e-1
    polynomial = polynomial * r + 5.000_000_1e-1
    let fraction = polynomial * (r * r) + r + 1
    let exponent = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23
    return unsafeBitCast(
      unsafeBitCast(fraction, to: SIMD8<UInt32>.self) &+ exponent, to: Lanes.self)
  }

  /// The logistic sigmoid of each lane.
  @inlinable
  @inline(__always)
  package static func sigmoid(_ x: Lanes) -> Lanes {
    1 / (1 + exponential(-x))
  }

  /// The hyperbolic tangent of each lane, 2σ(2x) − 1: near zero its error is absolute, 2⁻²³, which
  /// is what a gate of order one needs.
  @inlinable
  @inline(__always)
  package static func tanh(_ x: Lanes) -> Lanes {
    2 / (1 + exponential(-2 * x)) - 1
  }

  /// Calls `body` with the first lane's index and the number of valid lanes, up to `count`.
  @inlinable
  @inline(__always)
  package static func forEachBlock(_ count: Int, _ body: (_ first: Int, _ valid: Int) -> Void) {
    var first = 0
    while first + 8 <= count {
      body(first, 8)
      first += 8
    }
    if first < count { body(first, count - first) }
  }

  /// Reads `valid` lanes; the rest are zero.
  @inlinable
  @inline(__always)
  package static func load(_ source: UnsafePointer<Float>, valid: Int) -> Lanes {
    if valid == 8 { return UnsafeRawPointer(source).loadUnaligned(as: Lanes.self) }
    var lanes = Lanes(repeating: 0)
    for index in 0..<valid { lanes[index] = source[index] }
    return lanes
  }

  /// Writes `valid` lanes.
  @inlinable
  @inline(__always)
  package static func store(_ lanes: Lanes, to target: UnsafeMutablePointer<Float>, valid: Int) {
    if valid == 8 {
      UnsafeMutableRawPointer(target).storeBytes(of: lanes, as: Lanes.self)
    } else {
      for index in 0..<valid { target[index] = lanes[index] }
    }
  }

  /// The gated activation of one position: tanh(xₖ + bₖ) · σ(x₍ₖ₊C₎ + b₍ₖ₊C₎) for k below C, which
  /// is `channels`.
  ///
  /// `parts` keeps tanh and sigmoid (2C numbers) for the backward pass, if it is given.
  @inlinable
  @inline(__always)
  package static func gate(
    _ input: UnsafePointer<Float>, bias: UnsafePointer<Float>, channels: Int,
    parts: UnsafeMutablePointer<Float>?, output: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(channels) { first, valid in
      let content = tanh(
        load(input + first, valid: valid) + load(bias + first, valid: valid))
      let openness = sigmoid(
        load(input + channels + first, valid: valid) + load(bias + channels + first, valid: valid))
      if let parts {
        store(content, to: parts + first, valid: valid)
        store(openness, to: parts + channels + first, valid: valid)
      }
      store(content * openness, to: output + first, valid: valid)
    }
  }

  /// The gradient of `gate` with respect to its 2C inputs, from `parts`.
  @inlinable
  @inline(__always)
  package static func gateBackward(
    _ outputGradient: UnsafePointer<Float>, parts: UnsafePointer<Float>, channels: Int,
    inputGradient: UnsafeMutablePointer<Float>
  ) {
    forEachBlock(channels) { first, valid in
      let gradient = load(outputGradient + first, valid: valid)
      let content = load(parts + first, valid: valid)
      let openness = load(parts + channels + first, valid: valid)
      store(
        gradient * openness * (1 - content * content), to: inputGradient + first, valid: valid)
      store(
        gradient * content * openness * (1 - openness), to: inputGradient + channels + first,
        valid: valid)
    }
  }
}
