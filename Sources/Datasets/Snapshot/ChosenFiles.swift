/// The result of decoding one file.
public enum DecodedFile: Hashable, Sendable {
  /// Its pixels, height × width × channels bytes.
  case pixels([UInt8])
  /// Why it has no pixels in this form.
  case unused(ImageVerdict)
}

extension SnapshotBuilder {
  /// Decodes and transforms some files of the folder, one after another.
  ///
  /// It compares and packs nothing: use it to view a few images, not to train on them.
  ///
  /// - Returns: the result for each path, in their order.
  /// - Throws: `DatasetError` if the folder or the decoder is unusable, `.stopped` if the builder was stopped.
  public func decode(_ paths: [RelativePath]) throws -> [DecodedFile] {
    try rules.validate()
    let reader = FileReader(
      root: try Directory.root(root), rules: rules, limit: limits.fileBytes, isSettled: isSettled)
    let decoder = try makeDecoder()
    let files = EncodedImages()
    return try paths.map { path in
      if isStopped() { throw DatasetError.stopped }
      files.removeAll()
      let verdict = reader.read(path, into: files).verdict
      guard verdict == .accepted else { return .unused(verdict) }
      var pixels = [UInt8](repeating: 0, count: transform.byteCount)
      let outcome = try pixels.withUnsafeMutableBufferPointer {
        try decoder.decode(files, with: transform, into: $0)[0]
      }
      switch outcome {
      case .decoded: return .pixels(pixels)
      case .failed(let failure): return .unused(ImageVerdict(failure, head: files[0]))
      }
    }
  }
}
