import Compute
import Datasets
import Models

/// What a private teacher thinks of one drawn image.
struct TeacherOpinion {
  /// The probability of each class, in label order, to four decimals.
  let probabilities: [Double]

  /// Decimals of a probability in a release.
  private static let scale = 1e4

  /// Rounds probabilities.
  init(_ probabilities: [Float]) {
    self.probabilities = probabilities.map {
      (Double($0) * Self.scale).rounded() / Self.scale
    }
  }

  /// The most probable class; the first of several.
  var label: Int {
    probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
  }

  /// The probabilities in the order in which class folders are listed: by name.
  func sortedProbabilities(_ folders: [String]) -> [Double] {
    folders.indices.sorted { folders[$0] < folders[$1] }.map { probabilities[$0] }
  }
}

/// The opinions of a model's teacher about the images that it draws.
struct TeacherOpinions {
  private let model: any LabellingModel

  /// Asks the teacher of a model.
  init(of model: any LabellingModel) {
    self.model = model
  }

  /// The opinion about each image, as it is released: of eight bits a channel.
  ///
  /// Whoever has the release can thus compute the same from its files.
  func opinions(of images: Tensor, _ format: ImageSpecification) -> [TeacherOpinion] {
    let arena = Arena()
    let released = arena.make(format.shape.batched(images.shape[0]))
    for index in 0..<released.count {
      released.pointer[index] = PixelScale.number(of: PixelScale.byte(of: images.pointer[index]))
    }
    return model.classProbabilities(of: released).map(TeacherOpinion.init)
  }
}
