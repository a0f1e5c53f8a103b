import Compute

/// The biases of one gate for the images of a group: those of their classes and regions, and of their columns.
final class GateBiases {
  private let conditions: Conditions
  private let regionCount: Int
  private let width: Int
  /// classes × regions × 2C.
  private let classBiases: [Float]
  /// codes of all columns × 2C; nil without columns.
  private let columns: Tensor?
  /// Rows of regions × 2C: one for each class, or with columns, one for each image.
  private let table: Tensor
  /// The row of each image.
  private var rows: [Int] = []

  /// Copies the parameters of the gate of this name.
  init(
    of gate: String, _ layout: GatedStackLayout, regions: Int, capacity: Int,
    parameters values: (String) -> Tensor, in memory: Arena
  ) {
    conditions = layout.conditions
    regionCount = regions
    width = 2 * layout.channels
    classBiases = GatedActivation.classBiases(
      classes: layout.classCount, bias: values("\(gate).bias"),
      table: layout.classCount > 1 ? values("\(gate).table") : nil)
    if conditions.columnRowCount > 0 {
      // A copy: the averaged weights lie in the network only for a moment.
      let copy = memory.make(Shape(conditions.columnRowCount, width))
      copy.copy(from: values("\(gate).columns.table"))
      columns = copy
    } else {
      columns = nil
    }
    table = memory.make(
      Shape(columns == nil ? layout.classCount : capacity, regions * width))
    if columns == nil { table.assign(classBiases) }
  }

  /// Takes the labels of the images of a group.
  func begin(labels: [Int]) {
    guard let columns else {
      rows = labels
      return
    }
    rows = Array(labels.indices)
    let biases = GatedActivation.biases(
      of: labels, conditions, classBiases: classBiases, regions: regionCount, columns: columns)
    for (index, value) in biases.enumerated() { table.pointer[index] = value }
  }

  /// The 2C biases of an image in a region.
  func pointer(image: Int, region: Int) -> UnsafePointer<Float> {
    UnsafePointer(table.pointer + (rows[image] * regionCount + region) * width)
  }
}
