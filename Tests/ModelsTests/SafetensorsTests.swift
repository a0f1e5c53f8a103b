import FoundationEssentials
import Testing

@testable import Models

@Suite struct SafetensorsTests {
  private var sample: Checkpoint {
    var checkpoint = Checkpoint()
    checkpoint.tensors["a"] = .init(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    checkpoint.tensors["b.bias"] = .init(shape: [], values: [-0.5])
    checkpoint.tensors["empty"] = .init(shape: [0, 4], values: [])
    checkpoint.metadata = ["step": "12", "family": "dp-gan"]
    return checkpoint
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let read = try Safetensors.decode(Safetensors.encode(sample))
    #expect(read.tensors == sample.tensors)
    #expect(read.metadata == sample.metadata)
  }

  @Test func layoutFollowsTheFormat() throws {
    let data = try Safetensors.encode(sample)
    let length = Int(data[0]) | Int(data[1]) << 8
    #expect((8 + length) % 64 == 0)
    let header = String(decoding: data.dropFirst(8).prefix(length), as: UTF8.self)
    #expect(header.contains(#""a":{"data_offsets":[0,24],"dtype":"F32","shape":[2,3]}"#))
    #expect(header.contains(#""__metadata__":{"family":"dp-gan","step":"12"}"#))
    #expect(data.count == 8 + length + 7 * 4)
    #expect(Array(data.dropFirst(8 + length).prefix(8)) == [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])
  }

  @Test func everyTruncationIsRefused() throws {
    let data = try Safetensors.encode(sample)
    for length in 0..<data.count {
      #expect(throws: Safetensors.Failure.self) { try Safetensors.decode(data.prefix(length)) }
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
    #"{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
    "[1,2]", "{",
  ])
  func hostileHeadersAreRefused(header: String) {
    var data = Data()
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: header.utf8)
    data.append(Data(count: 8))
    #expect(throws: Safetensors.Failure.self) { try Safetensors.decode(data) }
  }

  @Test func headerLengthBeyondTheLimitIsRefusedBeforeAllocation() {
    let data = Data([UInt8](repeating: 0xff, count: 16))
    #expect(throws: Safetensors.Failure.self) { try Safetensors.decode(data) }
  }

  @Test func wrongShapeAndMissingArraysAreNamed() {
    #expect(throws: Checkpoint.Failure.self) { try sample.array("a", shape: [3, 2]) }
    #expect(throws: Checkpoint.Failure.self) { try sample.array("c", shape: []) }
    #expect(throws: Checkpoint.Failure.self) { try sample.value("step_count") as Int }
  }
}
