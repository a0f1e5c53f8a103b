import Compute
package import Datasets
package import Evaluation

extension DatasetSnapshot {
  /// Reads some of the images into memory.
  package func labelledImages(at kept: some Collection<Int>, classNames: [String]) -> LabelledImages
  {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(kept.count * shape.sampleCount)
    for place in kept { pixels += self.pixels(of: place) }
    return LabelledImages(
      shape: Shape(shape.height, shape.width, shape.channels), classNames: classNames,
      labels: kept.map(label), pixels: pixels)
  }
}
