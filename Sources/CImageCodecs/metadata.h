// What a file says beside its pixels: how the picture is turned. For every decoder of this folder.
//
// A decoder hands over each block that it meets (`ci_note_...`) and asks at the end
// (`ci_orientation`). All lengths come from hostile files and are checked here.
#ifndef FIGMENT_METADATA_H
#define FIGMENT_METADATA_H

#include <stddef.h>
#include <stdint.h>

/// The most bytes that one compressed block of text may unpack to.
enum { ci_text_limit = 4 << 20 };

/// What was found so far; starts as {0}. 0 says that nothing was found.
typedef struct ci_orientation_finding {
  uint32_t exif;  // 1...8
  uint32_t xmp;   // 1...8
} ci_orientation_finding;

/// The orientation 1...8 that a TIFF structure states, 0 when it states none.
uint32_t ci_stated_orientation(const uint8_t *tiff, size_t length);

/// Reads a block of EXIF: a TIFF structure, with or without "Exif\0\0" before it. The first block
/// that names an orientation holds.
void ci_note_exif(ci_orientation_finding *finding, const uint8_t *bytes, size_t length);

/// Reads a packet of XMP. The first one that names an orientation holds.
void ci_note_xmp(ci_orientation_finding *finding, const uint8_t *bytes, size_t length);

/// Reads a block of metadata that ImageMagick wrote as text: "\nNAME\n   LENGTH\nHEX...".
void ci_note_raw_profile(ci_orientation_finding *finding, const uint8_t *text, size_t length);

/// The orientation 1...8: that of EXIF, else that of XMP (as Pillow decides), else 1.
uint32_t ci_orientation(const ci_orientation_finding *finding);

/// Unpacks a zlib stream into `output`, at most `capacity` bytes.
///
/// Answers with the bytes written; what follows a fault of the stream is left out.
size_t ci_inflate(const uint8_t *input, size_t length, uint8_t *output, size_t capacity);

#endif
