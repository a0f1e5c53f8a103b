/// Some features of version 1 of the random network, stored when it was made: a change here is a
/// change of version.
enum RandomConvolutionsPin {
  static let values: [(index: Int, value: Double)] = []
}
