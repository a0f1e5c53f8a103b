import Control
import FoundationEssentials
import Testing

@Suite struct ClassCountsTests {
  @Test func aListGivesNumbersByClass() throws {
    #expect(try ClassCounts.read("cat=100,dog=20") == ["cat": 100, "dog": 20])
    #expect(try ClassCounts.read("a=b=3") == ["a=b": 3])
  }

  @Test(arguments: [
    ("", "''"), ("cat", "'cat'"), ("cat=1,,dog=2", "''"), ("=3", "'=3'"),
    ("cat=many", "'cat=many'"), ("cat=1,cat=2", "'cat' is named twice"),
    ("cat=-1,dog=2", "-1 of class 'cat'"), ("cat=0,dog=0", "none in all"),
    ("cat=60000000,dog=60000000", "too many in all"),
    ("cat=9223372036854775807,dog=9223372036854775807", "too many in all"),
  ]) func whatIsNoListIsRefused(_ text: String, _ found: String) {
    let error = #expect(throws: ControlError.self) { try ClassCounts.read(text) }
    #expect(error?.message.hasPrefix("class counts '\(text)': ") == true)
    #expect(error?.message.contains(found) == true)
    #expect(error?.exitCode == .usage)
  }

  @Test func numbersFollowTheOrderOfClasses() throws {
    let classes = ["ape", "bee", "cat"]
    #expect(try ClassCounts.inOrder(of: classes, ["cat": 2, "ape": 1]) == [1, 0, 2])
    let error = #expect(throws: ControlError.self) {
      try ClassCounts.inOrder(of: classes, ["be": 2])
    }
    #expect(error?.message == "class 'be': unknown. Did you mean 'bee'?")
  }

  @Test func namesOfClassesSurviveJSON() throws {
    let job = JobID(dataset: "glyphs", number: 7)
    let request = JobRequest.generate(
      GenerateRequest(
        job: job, classCounts: ["Left_Lung": 3, "left_lung": 0], temperature: 0.9, guidance: 1.5))
    let data = try ControlCoding.encode(request)
    #expect(try ControlCoding.decodeStrictly(JobRequest.self, from: data) == request)
    #expect(String(decoding: data, as: UTF8.self).contains(#""class_counts":{"#))
  }

  @Test(arguments: [
    "{}", #"{"count":0}"#, #"{"count":3,"class_counts":{"a":1}}"#,
    #"{"per_class":true,"class_counts":{"a":1}}"#, #"{"class_counts":{}}"#,
    #"{"class_counts":{"a":0}}"#, #"{"class_counts":{"a":60000000,"b":60000000}}"#,
    #"{"class_counts":{"a":-1,"b":2}}"#,
    #"{"count":3,"temperature":0}"#, #"{"count":3,"temperature":-1}"#,
    #"{"count":3,"guidance":-0.5}"#,
  ]) func requestsThatNoModelCanFollowAreRefused(_ fields: String) {
    let body = #"{"job":"glyphs-7""# + (fields == "{}" ? "}" : "," + fields.dropFirst())
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decodeStrictly(GenerateRequest.self, from: Data(body.utf8))
    }
    #expect(error?.exitCode == .usage)
    #expect(error?.message.contains("JSON") == false)
  }
}
