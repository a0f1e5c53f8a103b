import Glibc

/// A discrete Fourier transform of a power-of-two size, for convolutions.
///
/// `forward` leaves the frequencies in bit-reversed order, which `inverse` expects. Only pointwise products
/// happen in between, and they need no order, so no reordering pass is needed.
final class FourierTransform {
  /// The number of points.
  let size: Int

  /// cos and −sin of 2πk/length for each stage of half-length m: at offset m, m numbers.
  private let cosines: [Double]
  private let sines: [Double]

  /// `size` is a power of two, at least 2.
  init(size: Int) {
    precondition(size >= 2 && size & (size - 1) == 0, "a transform's size is a power of two")
    self.size = size
    var cosines = [Double](repeating: 1, count: size)
    var sines = [Double](repeating: 0, count: size)
    var half = 1
    while half < size {
      for k in 0..<half {
        let angle = -Double.pi * Double(k) / Double(half)
        cosines[half + k] = cos(angle)
        sines[half + k] = sin(angle)
      }
      half *= 2
    }
    self.cosines = cosines
    self.sines = sines
  }

  /// Decimation in frequency, in place, unnormalised.
  func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
    transform(&real, &imaginary) { re, im, cosines, sines in
      var half = size / 2
      while half >= 1 {
        for start in stride(from: 0, to: size, by: 2 * half) {
          for k in 0..<half {
            let (a, b) = (start + k, start + k + half)
            let differenceRe = re[a] - re[b]
            let differenceIm = im[a] - im[b]
            re[a] += re[b]
            im[a] += im[b]
            re[b] = differenceRe * cosines[half + k] - differenceIm * sines[half + k]
            im[b] = differenceRe * sines[half + k] + differenceIm * cosines[half + k]
          }
        }
        half /= 2
      }
    }
  }

  /// Decimation in time, in place; undoes `forward` including the factor `size`.
  func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
    transform(&real, &imaginary) { re, im, cosines, sines in
      var half = 1
      while half < size {
        for start in stride(from: 0, to: size, by: 2 * half) {
          for k in 0..<half {
            let (a, b) = (start + k, start + k + half)
            let turnedRe = re[b] * cosines[half + k] + im[b] * sines[half + k]
            let turnedIm = im[b] * cosines[half + k] - re[b] * sines[half + k]
            re[b] = re[a] - turnedRe
            im[b] = im[a] - turnedIm
            re[a] += turnedRe
            im[a] += turnedIm
          }
        }
        half *= 2
      }
      let scale = 1 / Double(size)
      for k in 0..<size {
        re[k] *= scale
        im[k] *= scale
      }
    }
  }

  private func transform(
    _ real: inout [Double], _ imaginary: inout [Double],
    _ body: (
      UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafePointer<Double>,
      UnsafePointer<Double>
    ) -> Void
  ) {
    precondition(real.count == size && imaginary.count == size, "the transform has another size")
    real.withUnsafeMutableBufferPointer { re in
      imaginary.withUnsafeMutableBufferPointer { im in
        cosines.withUnsafeBufferPointer { cosines in
          sines.withUnsafeBufferPointer { sines in
            guard let re = re.baseAddress, let im = im.baseAddress,
              let cosines = cosines.baseAddress, let sines = sines.baseAddress
            else { return }
            body(re, im, cosines, sines)
          }
        }
      }
    }
  }
}
