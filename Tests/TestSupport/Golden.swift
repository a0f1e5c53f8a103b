import FoundationEssentials

/// Tables that an independent implementation wrote, kept beside the script that made them.
public enum Golden {
  /// Named arrays of numbers: case, name, extents, numbers on every line.
  public struct Arrays: Sendable {
    private var entries: [String: [String: (extents: [Int], numbers: [Double])]] = [:]

    /// The extents and numbers of an array.
    public func array(_ name: String, of testCase: String) throws -> (
      extents: [Int], numbers: [Double]
    ) {
      guard let entry = entries[testCase]?[name] else {
        throw GoldenError(text: "no array '\(name)' of case '\(testCase)'")
      }
      return entry
    }

    /// The numbers of an array.
    public func numbers(_ name: String, of testCase: String) throws -> [Double] {
      try array(name, of: testCase).numbers
    }

    /// The numbers of an array in single precision.
    public func floats(_ name: String, of testCase: String) throws -> [Float] {
      try numbers(name, of: testCase).map(Float.init)
    }

    init(_ lines: [[Substring]]) throws {
      for fields in lines {
        let axes = fields.count == 4 ? fields[2].split(separator: "x") : []
        let extents = axes.compactMap { Int($0) }
        let numbers = fields.last?.split(separator: " ").compactMap { Double($0) } ?? []
        guard fields.count == 4, numbers.count == extents.reduce(1, *) else {
          throw GoldenError(text: "a broken line: \(fields.prefix(3))")
        }
        entries[String(fields[0]), default: [:]][String(fields[1])] = (extents, numbers)
      }
    }
  }

  /// Reads a table of named arrays below Tests/Golden, for example "learning/torch.csv".
  public static func arrays(_ path: String) throws -> Arrays {
    try Arrays(rows(path))
  }

  /// The fields of each line of a comma-separated table below Tests/Golden, comments left out.
  public static func rows(_ path: String) throws -> [[Substring]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Golden")
    let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
  }
}

/// The fault of a golden table.
public struct GoldenError: Error, CustomStringConvertible {
  let text: String

  /// The text.
  public var description: String { "golden table: \(text)" }
}

/// Whether two numbers agree within a relative or an absolute tolerance; NaN agrees with nothing.
public func isClose(
  _ found: Double, to expected: Double, relative: Double = 0, absolute: Double = 0
) -> Bool {
  abs(found - expected) <= max(relative * abs(expected), absolute)
}

/// The positions where two arrays differ by more than a tolerance, in words; none if they agree.
public func differences(
  _ found: [Float], _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-5
) -> [String] {
  guard found.count == expected.count else {
    return ["\(found.count) numbers, expected \(expected.count)"]
  }
  return zip(found, expected).enumerated().compactMap { index, pair in
    isClose(Double(pair.0), to: pair.1, relative: relative, absolute: absolute)
      ? nil : "at \(index): \(pair.0), expected \(pair.1)"
  }
}
