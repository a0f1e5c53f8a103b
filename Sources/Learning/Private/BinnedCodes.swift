public import Compute

/// The rows of bins that an encoder's codes of images make: one column for each number of a code.
///
/// A row is computed from one image and its class alone, with public bins. The rows of a collection that never changes
/// are kept for later tables; they equal those that would be computed anew, and nothing outside this room can read
/// them. The encoder must not change while rows are kept.
public final class BinnedCodes {
  /// The bins of every number.
  public let bins: NormalBins
  /// Numbers of a code.
  public let codeSize: Int
  private let encoder: [any PerExampleLayer]
  private let pass: Pass
  private let arena = Arena()
  /// The rows of each range of examples, by its first one.
  private var kept: [Int: Kept] = [:]

  private struct Kept {
    let places: ExamplePlaces
    let codes: [UInt8]
  }

  /// Images that are encoded together.
  private static let block = 256

  /// The bins of the codes that are the output of `encoder`.
  public init(of encoder: [any PerExampleLayer], bins: NormalBins, on machine: Machine) {
    precondition(!encoder.isEmpty, "codes come from layers")
    self.encoder = encoder
    self.bins = bins
    codeSize = encoder[encoder.count - 1].outputShape.count
    pass = Pass(on: machine)
  }

  /// The rows of some examples, one after another.
  fileprivate func codes(of examples: any ExampleSource, in range: Range<Int>) -> [UInt8] {
    let places = examples.places(in: range)
    if let places, let own = kept[range.lowerBound],
      own.places.collection === places.collection, own.places.indices == places.indices
    {
      return own.codes
    }
    var codes: [UInt8] = []
    codes.reserveCapacity(range.count * codeSize)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
      append(first..<min(first + Self.block, range.upperBound), of: examples, to: &codes)
    }
    if let places { kept[range.lowerBound] = Kept(places: places, codes: codes) }
    return codes
  }

  private func append(
    _ range: Range<Int>, of examples: any ExampleSource, to codes: inout [UInt8]
  ) {
    // Both hold private images until they are freed.
    defer {
      arena.reset()
      pass.end()
    }
    let images = arena.make(encoder[0].inputShape.batched(range.count))
    examples.fill(images, from: range)
    pass.begin(
      exampleCount: range.count, labels: examples.labels(in: range), purpose: .sampling)
    let numbers = (encoder as [any Layer]).forward(images, in: pass)
    for index in 0..<(range.count * codeSize) {
      codes.append(UInt8(bins.bin(of: Double(numbers.pointer[index]))))
    }
  }
}

extension PrivateExamples {
  /// Private images as rows of the bins of their codes; the rows are private too.
  public func rows(of codes: BinnedCodes) -> PrivateExamples {
    PrivateExamples(BinnedExamples(examples: source, bins: codes))
  }
}

/// Images as the rows of a table.
private struct BinnedExamples: ExampleSource {
  let examples: any ExampleSource
  let bins: BinnedCodes

  var count: Int { examples.count }

  var units: [Int]? { examples.units }

  func labels(in range: Range<Int>) -> [Int] { examples.labels(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) { examples.fill(target, from: range) }

  func codes(in range: Range<Int>) -> [UInt8] { bins.codes(of: examples, in: range) }
}
