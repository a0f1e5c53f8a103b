import Control
import Datasets
import Privacy

/// What an order asked for that the phases of its plan do not hold: a plan keeps it, so that a repeated command
/// can be compared with the first, and told what it said.
struct AskedOptions: Codable, Hashable {
  /// The epsilon; nil for what a budget leaves, and without privacy.
  let epsilon: Double?
  /// The delta; nil without privacy.
  let delta: Double?
  /// What each answer may cost, by the answers' names.
  let answers: [String: Double]
  /// The most images of one unit that are used; nil for all.
  let maximumPerUnit: Int?
  /// The sample value of white; nil for the full scale of each file.
  let whiteLevel: Int?
  /// How colours with a profile are read.
  let colour: ImageTransform.Colour
  /// The folder declared public; nil for none, and in plans that were saved before it was kept.
  let publicImages: String?
  /// The release to start from; nil as above.
  let startFrom: String?

  private enum CodingKeys: String, CodingKey {
    case epsilon, delta, answers, colour
    case publicImages = "public_images"
    case startFrom = "start_from"
    case maximumPerUnit = "max_per_unit"
    case whiteLevel = "white_level"
  }

  /// Takes them from an order.
  init(of order: RunOrder) {
    if case .epsilon(let asked) = order.loss { epsilon = asked } else { epsilon = nil }
    delta = order.loss == .unlimited ? nil : order.delta
    answers = order.answers
    maximumPerUnit = order.rules.maximumPerUnit
    whiteLevel = order.rules.whiteLevel
    colour = order.rules.colour
    publicImages = order.publicImages
    startFrom = order.startFrom
  }

  /// What differs in another order, each with both values.
  func differences(from now: AskedOptions) -> [OptionDifference] {
    let number = { (value: Double?) in value.map(Decimals.number) }
    let all = [
      OptionDifference("epsilon", number(epsilon), number(now.epsilon)),
      OptionDifference("delta", number(delta), number(now.delta)),
      OptionDifference(
        "maximum-per-unit", maximumPerUnit.map(String.init), now.maximumPerUnit.map(String.init)),
      OptionDifference(
        "white-level", whiteLevel.map(String.init), now.whiteLevel.map(String.init)),
      OptionDifference("colour", colour.rawValue, now.colour.rawValue),
    ]
    // An earlier plan may not hold a path that its run used.
    let paths = [
      OptionDifference(
        "public-images", publicImages, publicImages.flatMap { _ in now.publicImages }),
      OptionDifference("start-from", startFrom, startFrom.flatMap { _ in now.startFrom }),
    ]
    let names = Set(answers.keys).union(now.answers.keys).sorted()
    return
      (all + paths
      + names.map {
        OptionDifference("answer \($0)", number(answers[$0]), number(now.answers[$0]))
      })
      .filter { $0.then != $0.now }
  }
}

/// An option of a run that a repeated command gives another value.
struct OptionDifference: Hashable, CustomStringConvertible {
  /// The option's name on the command line, without dashes.
  let name: String
  /// The value of the attempt that made the plan; nil for none.
  let then: String?
  /// The value that is asked for now; nil for none.
  let now: String?

  init(_ name: String, _ then: String?, _ now: String?) {
    self.name = name
    self.then = then
    self.now = now
  }

  /// Both values in words.
  var description: String { "\(name): \(then ?? "none") then, \(now ?? "none") now" }
}

/// The values of a JSON object by their paths, such as `training.steps`.
struct FlatValues: Decodable {
  private(set) var values: [String: String] = [:]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      for key in container.allKeys {
        for (path, value) in try container.decode(FlatValues.self, forKey: key).values {
          values[path.isEmpty ? key.stringValue : "\(key.stringValue).\(path)"] = value
        }
      }
    } else if var list = try? decoder.unkeyedContainer() {
      var items: [String] = []
      while !list.isAtEnd {
        let item = try list.decode(FlatValues.self).values.sorted { $0.key < $1.key }
        items.append(item.map(\.value).joined(separator: " "))
      }
      values[""] = items.joined(separator: ", ")
    } else {
      let value = try decoder.singleValueContainer()
      if let flag = try? value.decode(Bool.self) {
        values[""] = "\(flag)"
      } else if let number = try? value.decode(Double.self) {
        // Exactly: rounded, a changed number could pass for the same.
        values[""] =
          number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
      } else if let text = try? value.decode(String.self) {
        values[""] = text
      }
    }
  }
}
