/// The format of a file, detected from its content and never from its name.
public enum ImageFormat: String, Hashable, Sendable, Codable, CaseIterable {
  case png = "PNG"
  case jpeg = "JPEG"
  case tiff = "TIFF"
  case webp = "WebP"
  case bmp = "BMP"
  case pnm = "PNM"
  case gif = "GIF"
  case heif = "HEIF"
  case avif = "AVIF"
  case jpegXL = "JPEG XL"
  case jpeg2000 = "JPEG 2000"
  case dicom = "DICOM"
  case tga = "TGA"
  case psd = "PSD"
  case pam = "PAM"
  case cameraRaw = "camera raw"
  case pdf = "PDF"
  case svg = "SVG"

  /// Whether the codec decodes this format.
  public var isDecoded: Bool { conversion == nil }

  /// A command that converts all files of this format below the current folder to PNG or TIFF, beside the
  /// originals and at full bit depth; nil for supported formats.
  ///
  /// The programs are packages of Debian; Datasets/README.md names them.
  public var conversion: String? {
    switch self {
    case .png, .jpeg, .tiff, .webp, .bmp, .pnm: nil
    case .gif: Self.forEach("gif", "vips copy {} {}.png")
    case .heif: Self.forEach("hei[cf]", "heif-convert {} {}.png")
    case .avif: Self.forEach("avif", "heif-convert {} {}.png")
    case .jpegXL: Self.forEach("jxl", "djxl {} {}.png")
    case .jpeg2000: Self.forEach("j[p2][2k]", "opj_decompress -i {} -o {}.png")
    // Use one window for all images, so that black and white do not depend on an image.
    case .dicom:
      Self.forEach("dcm", "dcmj2pnm --write-16-bit-png --set-window 40 400 {} {}.png")
    case .tga: Self.forEach("tga", "convert {} -auto-orient {}.png")
    case .psd: Self.forEach("psd", "convert '{}[0]' {}.png")
    case .pam: Self.forEach("pam", "convert {} {}.png")
    case .cameraRaw: Self.forEach("nef", "dcraw_emu -T -6 -w {}")
    case .pdf: Self.forEach("pdf", "pdfimages -png {} {}")
    case .svg: Self.forEach("svg", "rsvg-convert -o {}.png {}")
    }
  }

  private static func forEach(_ ending: String, _ command: String) -> String {
    "find . -iname '*.\(ending)' -exec \(command) \\;"
  }
}
