/// What looking at one file gave.
public enum DecodedFile: Hashable, Sendable {
  /// Its pixels, height × width × channels bytes.
  case pixels([UInt8])
  /// Why it has none in this form.
  case unused(ImageVerdict)
}

extension SnapshotBuilder {
  /// Brings some files of the folder to the form of the transform, one after another.
  ///
  /// Nothing is compared or packed: this is for looking at a few images, not for learning from them.
  ///
  /// - Returns: what each path gave, in their order.
  /// - Throws: `DatasetError` when the folder or the decoder cannot be used at all, `.stopped` when the
  ///   builder was asked to stop.
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
