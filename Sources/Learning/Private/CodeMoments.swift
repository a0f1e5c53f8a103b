public import Compute
public import Privacy

/// The first and second moments of the codes that an encoder draws for images, as vectors of at most norm 1.
///
/// A code z is clipped to a norm R. Its vector holds a·z/R, and b times the products z·zᵀ/R², where
/// a² + b² = 1. The products have the norm ‖z‖²/R², so the vector has at most norm 1. Of the symmetric matrix of
/// products, either the diagonal is kept, or the upper triangle with √2 before every product of two different
/// numbers, which keeps the norm.
public final class CodeMoments {
  /// Which products of a code's numbers are kept.
  public enum Products: Hashable, Sendable {
    /// Squares alone.
    case squares
    /// All of them.
    case all
  }

  /// The factor a of a code's numbers.
  public static let meanShare = 0.5
  /// The factor b of the products.
  public static let productShare = 0.75.squareRoot()

  /// Which products are kept.
  public let products: Products
  /// The norm R to which codes are clipped.
  public let largestNorm: Double
  /// Numbers of a code.
  public let codeSize: Int
  private let encoder: [any PerExampleLayer]
  private let pass: Pass

  /// The moments of the codes that are the output of `encoder`.
  public init(
    of encoder: [any PerExampleLayer], products: Products, largestNorm: Double, on machine: Machine
  ) {
    precondition(!encoder.isEmpty && largestNorm > 0, "codes come from layers and have a norm")
    self.encoder = encoder
    self.products = products
    self.largestNorm = largestNorm
    codeSize = encoder[encoder.count - 1].outputShape.count
    pass = Pass(on: machine)
  }

  /// The shape of an image.
  public var shape: Shape { encoder[0].inputShape }

  /// Numbers in a vector.
  public var dimension: Int { Self.dimension(codeSize: codeSize, products) }

  /// Numbers in the vector of a code.
  public static func dimension(codeSize: Int, _ products: Products) -> Int {
    switch products {
    case .squares: 2 * codeSize
    case .all: codeSize + codeSize * (codeSize + 1) / 2
    }
  }

  /// Writes the vectors of images (examples × shape) into examples × `dimension`.
  func write(of images: Tensor, labels: [Int], to target: Tensor) {
    pass.begin(exampleCount: images.shape[0], labels: labels, purpose: .sampling)
    let codes = (encoder as [any Layer]).forward(images, in: pass)
    for example in 0..<images.shape[0] {
      write(codes.pointer + example * codeSize, to: target.pointer + example * dimension)
    }
  }

  /// Forgets the images whose vectors were written last: they may be private.
  func forget() { pass.end() }

  private func write(_ code: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let square = (0..<codeSize).reduce(0.0) { $0 + Double(code[$1]) * Double(code[$1]) }
    let factor = 1 / max(largestNorm, square.squareRoot())
    // A code that is not finite becomes a vector that is not, which every sum leaves out.
    let unit = (0..<codeSize).map { Double(code[$0]) * (square.isFinite ? factor : .nan) }
    for index in 0..<codeSize { target[index] = Float(Self.meanShare * unit[index]) }
    var place = codeSize
    for row in 0..<codeSize {
      for column in row..<(products == .all ? codeSize : row + 1) {
        let scale = Self.productShare * (row == column ? 1 : 2.0.squareRoot())
        target[place] = Float(scale * unit[row] * unit[column])
        place += 1
      }
    }
  }
}

extension VectorSum {
  /// Describes the sum by class of the moments of codes.
  public init(
    momentsOf codes: CodeMoments, classCount: Int, countShare: Float,
    by mechanism: SubsampledGaussian
  ) {
    self.init(
      classCount: classCount, featureCount: codes.dimension, countShare: countShare,
      of: codes.shape, by: mechanism
    ) { images, labels, target in
      codes.write(of: images, labels: labels, to: target)
      codes.forget()
    }
  }
}
