public import FoundationEssentials

/// The safetensors file format: a JSON header and flat little-endian tensors, nothing executable.
///
/// Layout (huggingface/safetensors): length of the header as UInt64, the header, then the data
/// without holes. Every number in a file is treated as hostile.
public enum Safetensors {
  /// Why a file cannot be read as a safetensors file.
  public enum Failure: Error, CustomStringConvertible {
    /// The file is shorter than its header declares.
    case truncated(expected: Int, found: Int)
    /// The header is longer than any header of this program.
    case headerTooLong(Int)
    /// The header is not the JSON that the format requires.
    case malformedHeader(String)
    /// A tensor lies outside the file, overlaps another or does not match its shape.
    case badTensor(name: String, reason: String)

    /// What failed, what was expected and what to do.
    public var description: String {
      switch self {
      case .truncated(let expected, let found):
        "safetensors file: \(found) bytes (\(expected) expected). Use an earlier checkpoint."
      case .headerTooLong(let length):
        "safetensors file: a header of \(length) bytes (at most \(maximumHeaderLength) expected)."
      case .malformedHeader(let reason):
        "safetensors file: \(reason). It was not written by this program or is damaged."
      case .badTensor(let name, let reason):
        "safetensors file: tensor '\(name)': \(reason)."
      }
    }
  }

  /// The longest header that is read, in bytes.
  public static let maximumHeaderLength = 16 << 20

  private struct Entry: Codable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  private enum HeaderValue: Codable {
    case metadata([String: String])
    case tensor(Entry)

    init(from decoder: any Decoder) throws {
      if let entry = try? Entry(from: decoder) {
        self = .tensor(entry)
      } else {
        self = .metadata(try [String: String](from: decoder))
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .metadata(let values): try values.encode(to: encoder)
      case .tensor(let entry): try entry.encode(to: encoder)
      }
    }
  }

  /// The bytes of a file with these tensors, in name order, and this metadata.
  public static func encode(_ checkpoint: Checkpoint) throws -> Data {
    var header: [String: HeaderValue] = ["__metadata__": .metadata(checkpoint.metadata)]
    var offset = 0
    let names = checkpoint.tensors.keys.sorted()
    for name in names {
      guard let tensor = checkpoint.tensors[name] else { continue }
      let length = tensor.values.count * MemoryLayout<Float>.size
      header[name] = .tensor(
        Entry(dtype: "F32", shape: tensor.shape, dataOffsets: [offset, offset + length]))
      offset += length
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var json = try encoder.encode(header)
    // With aligned tensors, other readers can map the file.
    while (8 + json.count) % 64 != 0 { json.append(0x20) }
    var data = Data(capacity: 8 + json.count + offset)
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(json)
    for name in names {
      checkpoint.tensors[name]?.values.withUnsafeBytes { data.append(contentsOf: $0) }
    }
    return data
  }

  /// The tensors and metadata of a file's bytes.
  public static func decode(_ data: Data) throws -> Checkpoint {
    guard data.count >= 8 else { throw Failure.truncated(expected: 8, found: data.count) }
    let length = data.prefix(8).enumerated().reduce(UInt64(0)) { sum, byte in
      sum | UInt64(byte.element) << UInt64(8 * byte.offset)
    }
    guard length <= UInt64(maximumHeaderLength) else {
      throw Failure.headerTooLong(Int(clamping: length))
    }
    let start = 8 + Int(length)
    guard data.count >= start else { throw Failure.truncated(expected: start, found: data.count) }
    let header: [String: HeaderValue]
    do {
      header = try JSONDecoder().decode(
        [String: HeaderValue].self, from: Data(data.dropFirst(8).prefix(Int(length))))
    } catch {
      throw Failure.malformedHeader("the header is not a table of tensors")
    }
    return try read(header, from: Data(data.dropFirst(start)))
  }

  private static func read(_ header: [String: HeaderValue], from body: Data) throws -> Checkpoint {
    var checkpoint = Checkpoint()
    var ranges: [(String, Range<Int>)] = []
    for (name, value) in header {
      switch value {
      case .metadata(let metadata): checkpoint.metadata = metadata
      case .tensor(let entry):
        let range = try place(of: entry, named: name, in: body.count)
        ranges.append((name, range))
        let bytes = body.dropFirst(range.lowerBound).prefix(range.count)
        let values = [Float](unsafeUninitializedCapacity: range.count / 4) { buffer, count in
          count =
            UnsafeMutableRawBufferPointer(buffer).withMemoryRebound(to: UInt8.self) {
              bytes.copyBytes(to: $0)
            } / 4
        }
        checkpoint.tensors[name] = Checkpoint.Array(shape: entry.shape, values: values)
      }
    }
    ranges.sort { $0.1.lowerBound < $1.1.lowerBound }
    for (before, after) in zip(ranges, ranges.dropFirst())
    where after.1.lowerBound < before.1.upperBound {
      throw Failure.badTensor(name: after.0, reason: "overlaps '\(before.0)'")
    }
    return checkpoint
  }

  private static func place(of entry: Entry, named name: String, in size: Int) throws -> Range<Int>
  {
    guard entry.dtype == "F32" else {
      throw Failure.badTensor(name: name, reason: "type \(entry.dtype) (F32 expected)")
    }
    guard entry.dataOffsets.count == 2, entry.dataOffsets[0] >= 0,
      entry.dataOffsets[0] <= entry.dataOffsets[1], entry.dataOffsets[1] <= size
    else {
      throw Failure.badTensor(name: name, reason: "lies outside the file")
    }
    var count = 4
    for extent in entry.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else {
        throw Failure.badTensor(name: name, reason: "impossible shape \(entry.shape)")
      }
      count = product
    }
    guard count == entry.dataOffsets[1] - entry.dataOffsets[0] else {
      throw Failure.badTensor(name: name, reason: "shape \(entry.shape) does not fit its bytes")
    }
    return entry.dataOffsets[0]..<entry.dataOffsets[1]
  }
}
