// The orientation that a file's metadata declare. For every decoder of this folder.
//
// A decoder passes each block that it finds (`ci_note_...`) and reads the result at the end
// (`ci_orientation`). All lengths come from hostile files and are checked here.
#ifndef FIGMENT_METADATA_H
#define FIGMENT_METADATA_H

#include <stddef.h>
#include <stdint.h>

/// The largest size, in bytes, of one decompressed block of text.
enum { ci_text_limit = 4 << 20 };

/// What was found so far; starts as {0}. 0 means that nothing was found.
typedef struct ci_orientation_finding {
  uint32_t exif;  // 1...8
  uint32_t xmp;   // 1...8
} ci_orientation_finding;

/// The orientation 1...8 that a TIFF structure declares, 0 if it declares none.
uint32_t ci_stated_orientation(const uint8_t *tiff, size_t length);

/// Reads a block of EXIF: a TIFF structure, with or without "Exif\0\0" before it. The first block
/// with an orientation wins.
void ci_note_exif(ci_orientation_finding *finding, const uint8_t *bytes, size_t length);

/// Reads a packet of XMP. The first packet with an orientation wins.
void ci_note_xmp(ci_orientation_finding *finding, const uint8_t *bytes, size_t length);

/// Reads a block of metadata that ImageMagick wrote as text: "\nNAME\n   LENGTH\nHEX...".
void ci_note_raw_profile(ci_orientation_finding *finding, const uint8_t *text, size_t length);

/// The orientation 1...8: from EXIF, else from XMP (Pillow's order), else 1.
uint32_t ci_orientation(const ci_orientation_finding *finding);

/// Decompresses a zlib stream into `output`, at most `capacity` bytes.
///
/// Returns the number of bytes written. Data after an error in the stream are left out.
size_t ci_inflate(const uint8_t *input, size_t length, uint8_t *output, size_t capacity);

#endif
