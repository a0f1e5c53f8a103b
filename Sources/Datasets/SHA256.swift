internal import CLibcrypto

/// SHA-256 (FIPS 180-4) of bytes that arrive in parts, computed by the system's libcrypto.
public final class SHA256 {
  private let context: OpaquePointer

  /// Initialises the library without reading its configuration file, which is not needed for digests.
  private static let isReady = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil) == 1

  /// Starts a digest.
  public init() {
    guard Self.isReady, let context = EVP_MD_CTX_new(),
      EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    else { preconditionFailure("libcrypto cannot compute SHA-256: no memory, or it is forbidden") }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds bytes.
  public func update(_ bytes: UnsafeRawBufferPointer) {
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
      preconditionFailure("libcrypto refuses bytes before the end of a digest")
    }
  }

  /// Adds bytes.
  public func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of everything that was added; the last call.
  public func finish() -> ContentHash {
    var digest = [UInt8](repeating: 0, count: ContentHash.byteCount)
    guard EVP_DigestFinal_ex(context, &digest, nil) == 1,
      let hash = digest.withUnsafeBytes({ ContentHash(bytes: $0) })
    else { preconditionFailure("a digest is finished once") }
    return hash
  }
}
