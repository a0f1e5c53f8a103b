import Compute
import Datasets
import Evaluation
import Privacy

/// The three image sets of an evaluation, read into memory in a common form.
struct ImageSets {
  let synthetic: Releasable<LabelledImages>
  let train: Sensitive<LabelledImages>
  let test: Sensitive<LabelledImages>
  /// The number of files of the synthetic folder that are not readable images.
  let rejectedSynthetic: Int
  /// The paths of the images of each set below its folder, in their order.
  let files: (synthetic: [RelativePath], train: [RelativePath], test: [RelativePath])

  /// Reads the sets; `rules` declares white level and colours of the real images.
  init(
    synthetic: String, train: String, test: String, as rules: DatasetRules, on machine: Machine,
    meter: ProgressMeter,
    makeDecoder: @escaping @Sendable () throws -> any ImageDecoder = { DecoderProcess() }
  ) throws {
    let folders = try [synthetic, train, test].map {
      try ImageFolder($0, makeDecoder: makeDecoder)
    }
    // The synthetic images determine size and colour, because they are evaluated.
    let transform = try folders[0].transform()
    let classNames = folders[1].classNames
    func load(
      _ folder: ImageFolder, _ name: String, _ transform: ImageTransform
    ) throws -> (images: LabelledImages, rejected: Int, files: [RelativePath]) {
      try folder.load(transform, classNames: classNames, on: machine) {
        meter.show("reading \(name) images", $0)
      }
    }
    let own = try load(folders[0], "synthetic", transform)
    self.synthetic = Releasable(own.images, .postProcessing)
    rejectedSynthetic = own.rejected
    let declared = transform.under(rules)
    let trained = try load(folders[1], "training", declared)
    let held = try load(folders[2], "test", declared)
    self.train = Sensitive(trained.images)
    self.test = Sensitive(held.images)
    files = (own.files, trained.files, held.files)
  }
}
