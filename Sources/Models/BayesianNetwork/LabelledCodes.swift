import Compute
import Learning

/// Examples whose first column is their class.
struct LabelledCodes: ExampleSource {
  private let source: any ExampleSource

  init(of source: any ExampleSource) { self.source = source }

  var count: Int { source.count }
  var units: [Int]? { source.units }

  func labels(in range: Range<Int>) -> [Int] { source.labels(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) { source.fill(target, from: range) }

  func codes(in range: Range<Int>) -> [UInt8] {
    let codes = source.codes(in: range)
    let labels = source.labels(in: range)
    guard !range.isEmpty else { return [] }
    let width = codes.count / range.count
    return labels.enumerated().flatMap { index, label in
      [UInt8(label)] + codes[(index * width)..<((index + 1) * width)]
    }
  }
}
