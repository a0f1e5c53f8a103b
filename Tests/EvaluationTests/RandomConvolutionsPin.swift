/// Some features of version 1 of the random network, recorded when it was created.
///
/// A change here requires a new version.
enum RandomConvolutionsPin {
  static let values: [(index: Int, value: Double)] = [
    (0, 0.149307), (100, -0.0736167), (255, 0.433571), (256, 0.360514), (511, 0.410172),
  ]
}
