/// What the head of a file says of its colours, so that the form of a set follows from how it is stored and not
/// from what its first image happens to show.
enum StoredColour {
  private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Whether an image is stored in grey; nil for kinds of files whose head is not read here.
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
      // Every start of a frame but the tables that lie among their numbers.
      if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
        return Int(file[place + 9])
      }
      place += marker == 0xFF ? 1 : 2 + Int(file[place + 2]) << 8 + Int(file[place + 3])
    }
    return nil
  }
}
