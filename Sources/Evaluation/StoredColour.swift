/// Reads from a file's header whether it stores colours, so that the form of a set depends on the stored format
/// and not on the content of its first image.
enum StoredColour {
  private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Whether an image is stored in grey; nil for formats whose header is not read here.
  static func isGrey(_ file: [UInt8]) -> Bool? {
    if file.starts(with: png), file.count > 25 {
      // Grey, and grey with transparency.
      return file[25] == 0 || file[25] == 4
    }
    if file.starts(with: [0xFF, 0xD8]) { return jpegComponents(file).map { $0 == 1 } }
    if file.starts(with: [UInt8(ascii: "P")]), file.count > 1 {
      switch file[1] {
      case UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "4"), UInt8(ascii: "5"): return true
      case UInt8(ascii: "3"), UInt8(ascii: "6"): return false
      default: return nil
      }
    }
    return nil
  }

  /// The number of components in the first frame of a JPEG.
  private static func jpegComponents(_ file: [UInt8]) -> Int? {
    var place = 2
    while place + 9 < file.count, file[place] == 0xFF {
      let marker = file[place + 1]
      // All start-of-frame markers, without the tables whose codes lie between them.
      if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
        return Int(file[place + 9])
      }
      place += marker == 0xFF ? 1 : 2 + Int(file[place + 2]) << 8 + Int(file[place + 3])
    }
    return nil
  }
}
