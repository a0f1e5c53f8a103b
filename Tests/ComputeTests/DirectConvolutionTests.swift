import FoundationEssentials
import Testing

@testable import Compute

/// Checks the reference itself: against sums computed by hand, and by the identities that relate
/// its three sums.
@Suite struct DirectConvolutionTests {
  /// Two rows and three columns of one channel, two filters of 2×2, stride 2, one column of padding
  /// on the left: positions read columns −1 and 0, and columns 1 and 2.
  private let geometry = ConvolutionGeometry(
    inputHeight: 2, inputWidth: 3, inputChannels: 1, outputChannels: 2, kernelHeight: 2,
    kernelWidth: 2, stride: 2, padding: .init(top: 0, left: 1, bottom: 0, right: 0))
  private let input: [Float] = [1, 2, 3, 4, 5, 6]
  /// Row × column × filter.
  private let weights: [Float] = [1, 10, 2, 20, 3, 30, 4, 40]

  @Test func outputsAreTheSumsOverTapsInsideTheImage() {
    let outputs = DirectConvolution(geometry).forward(input, weights: weights, bias: [0.5, 0])
    // First position: 1·2 + 4·4. Second: 2·1 + 3·2 + 5·3 + 6·4.
    #expect(outputs == [18.5, 180, 47.5, 470])
  }

  @Test func gradientsAreThoseOfTheSameSums() {
    let direct = DirectConvolution(geometry)
    let gradient: [Float] = [1, 0, 0, 2]
    #expect(
      direct.backwardData(gradient, weights: weights, bias: nil) == [2, 20, 40, 4, 60, 80])
    #expect(
      direct.weightGradients(input, outputGradient: gradient) == [[0, 4, 1, 6, 0, 10, 4, 12]])
  }

  /// Outputs are linear in images and in weights, so ⟨g, y⟩ = ⟨dx, x⟩ = ⟨dw, w⟩.
  @Test(arguments: ConvolutionCases.edges)
  func bothGradientsAreAdjointsOfTheOutputs(_ entry: ConvolutionCases.Case) {
    let g = entry.geometry
    let direct = DirectConvolution(g)
    let x = randomFloats(g.inputShape.count, seed: 1)
    let w = randomFloats(g.weightCount, seed: 2)
    let gradient = randomFloats(g.outputShape.count, seed: 3)
    func product(_ sums: [Double], _ numbers: [Float]) -> Double {
      zip(sums, numbers).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    let ofOutputs = product(direct.forward(x, weights: w, bias: nil), gradient)
    let ofImages = product(direct.backwardData(gradient, weights: w, bias: nil), x)
    let ofWeights = product(direct.weightGradients(x, outputGradient: gradient)[0], w)
    let allowance = 1e-10 * (1 + abs(ofOutputs))
    #expect(abs(ofImages - ofOutputs) < allowance && abs(ofWeights - ofOutputs) < allowance)
  }
}

/// Checks the files and numbers named on the page `FormsOfConvolution`.
@Suite struct FormsOfConvolutionPageTests {
  private static let folder = "Sources/Compute/Operations/Convolution/"
  private static let root =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/"

  private func page() throws -> String {
    let path = Self.root + "Sources/Compute/Compute.docc/FormsOfConvolution.md"
    return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  @Test func everyFileThatThePageNamesExists() throws {
    let names = try page().matches(of: /`([^`\n]+\.swift)`/).map { String($0.1) }
    #expect(names.count > 10)
    for name in names {
      let isThere = FileManager.default.fileExists(atPath: Self.root + Self.folder + name)
      #expect(isThere, "no file \(Self.folder)\(name)")
    }
  }

  /// The products for 2 × 2 outputs far from the padding, in both forms.
  @Test(arguments: [(2, 1, "2 × 2"), (3, 1, "3 × 3"), (3, 2, "3 × 3"), (4, 2, "4 × 4")])
  func theTableOfSavingsHolds(taps: Int, stride: Int, filter: String) throws {
    let axis = try #require(
      WinogradAxis(count: 2, step: stride, start: 0, tapCount: taps, extent: 16))
    let direct = axis.directEntryCount * axis.directEntryCount
    let minimal = axis.entryCount * axis.entryCount
    let row = "| \(filter), stride \(stride) | \(direct) | \(minimal) | "
    let isThere = try page().contains(row)
    #expect(isThere, "no row \(row)")
  }
}
