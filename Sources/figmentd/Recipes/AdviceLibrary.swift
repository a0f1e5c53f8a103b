import Control
import FoundationEssentials
import Models
import Runs
import Yams

/// What advice rests on: the recipes of a folder, and the table of measured runs beside them.
struct AdviceLibrary: Sendable {
  /// The recipes that can be read, with the names of their files.
  var recipes: [(name: String, recipe: Recipe)]
  /// The measured runs; none without a table.
  var table: MeasurementTable
  /// Why the table cannot be used; nil if it can.
  var remark: String?

  /// Takes recipes and a table.
  init(
    recipes: [(name: String, recipe: Recipe)], table: MeasurementTable, remark: String? = nil
  ) {
    self.recipes = recipes
    self.table = table
    self.remark = remark
  }

  /// Reads a library; a recipe that cannot be read is left out, as `figment recipes` shows the reason.
  init(_ library: RecipeLibrary) throws {
    recipes = try library.names().compactMap { name in
      (try? library.recipe(named: name)).map { (name: name, recipe: $0) }
    }
    do {
      table = try Self.readTable(in: library.folder)
    } catch {
      table = MeasurementTable()
      remark = "Measured runs are not considered. \(ControlError(error).message)"
    }
  }

  /// Reads the table of measured runs in a folder; an unknown field or an impossible figure is an error.
  ///
  /// - Returns: an empty table if the folder has none.
  static func readTable(in folder: String) throws -> MeasurementTable {
    let name = MeasurementTable.fileName
    guard try DurableFile.names(in: folder).contains(name) else { return MeasurementTable() }
    let path = "\(folder)/\(name)"
    let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
    do {
      try refuseUnknownFields(in: text)
      let file = try YAMLDecoder().decode(File.self, from: text)
      for row in file.measurements { try row.validate() }
      return MeasurementTable(file.measurements)
    } catch let error as RecipeFailure {
      throw ControlError.invalid("\(path): \(error.description)")
    } catch let error as ControlError {
      throw ControlError.invalid("\(path): \(error.message)")
    } catch let error as DecodingError {
      throw ControlError.invalid("\(path): \(RecipeLibrary.describe(error))")
    } catch let error as YamlError {
      throw ControlError.invalid("\(path): not valid YAML: \(error.words)")
    }
  }

  private struct File: Decodable {
    let measurements: [Measurement]
  }

  private static func refuseUnknownFields(in text: String) throws {
    let known = Measurement.CodingKeys.allCases.map(\.stringValue)
    guard let root = try Yams.compose(yaml: text)?.mapping else { return }
    for (key, _) in root where key.string != "measurements" {
      throw ControlError.unknown("field", key.string ?? "?", among: ["measurements"])
    }
    for entry in root["measurements"]?.sequence ?? [] {
      for (key, _) in entry.mapping ?? [:] {
        guard let name = key.string, known.contains(name) else {
          throw ControlError.unknown("field", key.string ?? "?", among: known)
        }
      }
    }
  }
}
