public import Compute
import Learning

// Drawing: codes from the distribution of the class, then all pixels at once.
extension VAE {
  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    let size = PrivateNetwork.defaultMicroBatchSize
    try averaged.withAverage { _ in
      for first in stride(from: 0, to: request.labels.count, by: size) {
        let labels = Array(request.labels[first...].prefix(size))
        try receive(first, images(labels, from: first, request))
      }
    }
  }

  /// The images of consecutive labels, the first of which has the number `first`.
  private func images(_ labels: [Int], from first: Int, _ request: SampleRequest) -> Tensor {
    var streams = labels.indices.map {
      Reparameterization.stream(key: request.seed, seed: 0, round: UInt64(first + $0))
    }
    pass.begin(exampleCount: labels.count, labels: labels, purpose: .sampling)
    let codes = pass.make(Shape(settings.latentSize))
    codes.assign(
      labels.indices.flatMap {
        drawCode(labels[$0], temperature: request.temperature, from: &streams[$0])
      })
    let outputs = layers.decode(codes, in: pass)
    let images = pass.make(format.shape)
    let positions = format.height * format.width
    let outputCount = distribution.outputCount
    pass.machine.threads.forEach(labels.count) { [streams, distribution, settings] example, _ in
      let image = images.pointer + example * positions * format.channels
      let own = outputs.pointer + example * positions * outputCount
      switch settings.drawing {
      case .mean:
        for position in 0..<positions {
          distribution.writeMean(
            outputs: own + position * outputCount, into: image + position * format.channels)
        }
      case .sample:
        var stream = streams[example]
        draw(image, from: own, temperature: request.temperature, &stream)
      }
    }
    return images
  }

  /// Draws each pixel of an image from its distribution.
  private func draw(
    _ image: UnsafeMutablePointer<Float>, from outputs: UnsafePointer<Float>, temperature: Double,
    _ stream: inout SeededStream
  ) {
    var nothing: Float = 0
    for position in 0..<(format.height * format.width) {
      withUnsafePointer(to: &nothing) { memory in
        let place = PixelPlace(image: image, position: position, memory: memory)
        for step in distribution.steps {
          distribution.draw(
            step, at: place, outputs: outputs + position * distribution.outputCount,
            temperature: temperature, from: &stream, into: image + position * format.channels)
        }
      }
    }
  }
}
