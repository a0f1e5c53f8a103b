import Compute

/// A term of a generator's loss that is large where two images of one class differ less than their latent vectors:
/// the regulariser of mode seeking GANs (Mao and others 2019, arXiv 1903.05628).
///
/// A generator that learns from a noisy discriminator tends to draw one image per class. The term reads drawn images
/// and latent vectors only, so it costs no privacy.
struct ModeSeeking {
  /// The weight of the term beside the loss of the discriminator's logit.
  let weight: Float
  /// Bounds the term: pairs that are nearly equal would have slopes of any size with the paper's 1e-5.
  static let smallest: Float = 0.05

  /// Adds the gradient of the sum of the term over disjoint pairs of images of one class.
  ///
  /// For a pair with images x, y and latent vectors u, v, the term is weight / (|x − y| / |u − v| + 0.05), where |·| is
  /// the mean of absolute values.
  ///
  /// - Parameters:
  ///   - gradient: images × image shape; the gradient with respect to `images`.
  ///   - images: what was drawn for the latent vectors in `range`.
  func addGradient(
    to gradient: Tensor, of images: Tensor, _ range: Range<Int>, _ latents: LatentVectors
  ) {
    let size = images.shape.count / range.count
    for (first, second) in latents.pairsOfOneClass(in: range) {
      let x = images.pointer + (first - range.lowerBound) * size
      let y = images.pointer + (second - range.lowerBound) * size
      let apart = latents.distance(first, second)
      guard apart > 0 else { continue }
      var difference: Float = 0
      for pixel in 0..<size { difference += abs(x[pixel] - y[pixel]) }
      let ratio = difference / (Float(size) * apart) + Self.smallest
      let slope = -weight / (ratio * ratio * Float(size) * apart)
      let (ofX, ofY) = (
        gradient.pointer + (first - range.lowerBound) * size,
        gradient.pointer + (second - range.lowerBound) * size
      )
      for pixel in 0..<size where x[pixel] != y[pixel] {
        let step = x[pixel] > y[pixel] ? slope : -slope
        ofX[pixel] += step
        ofY[pixel] -= step
      }
    }
  }
}

extension LatentVectors {
  /// Disjoint pairs of vectors of the same class.
  func pairsOfOneClass(in range: Range<Int>) -> [(Int, Int)] {
    var single: [Int: Int] = [:]
    let labels = labels(in: range)
    return range.compactMap { index in
      let label = labels.isEmpty ? 0 : labels[index - range.lowerBound]
      guard let other = single.removeValue(forKey: label) else {
        single[label] = index
        return nil
      }
      return (other, index)
    }
  }
}
