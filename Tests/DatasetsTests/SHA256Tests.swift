import Datasets
import Testing

/// The hash of files and sets: the examples of FIPS 180-4 (NIST, "SHA-256 examples") and CAVP.
@Suite struct SHA256Tests {
  private func hash(_ text: String) -> String {
    Array(text.utf8).withUnsafeBytes { ContentHash(of: $0).description }
  }

  @Test func publishedExamplesGiveThePublishedDigests() {
    #expect(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test func partsGiveTheDigestOfTheWhole() {
    let function = SHA256()
    let part = [UInt8](repeating: UInt8(ascii: "a"), count: 3_125)
    for _ in 0..<320 { function.update(part) }
    #expect(
      function.finish().description
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
