// Decodes PNG, JPEG, TIFF, WebP, BMP and PNM from memory to samples, and encodes samples as PNG.
//
// libpng and libjpeg report errors by longjmp. Swift frames must never lie between setjmp and
// longjmp, so this shim owns both ends, takes no callback, and returns a status. Every limit is
// checked against the header before memory for the pixels is allocated.
#ifndef FIGMENT_CIMAGECODECS_H
#define FIGMENT_CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

#include "CDecoderConfinement.h"

/// Outcome of a call. The numbers travel from the decoding process to the daemon: never reuse one.
typedef enum ci_status {
  CI_OK = 0,
  CI_EMPTY = 1,             // zero bytes
  CI_NOT_AN_IMAGE = 2,      // its first bytes match none of the formats above
  CI_UNSUPPORTED = 3,       // an unsupported kind of JPEG (12-bit, lossless ...)
  CI_TRUNCATED = 4,         // the bytes end before the image does
  CI_CORRUPT = 5,           // checksum, entropy code or structure is wrong
  CI_TOO_MANY_PIXELS = 6,   // width * height above the limit
  CI_SIDE_TOO_LONG = 7,     // width or height above the limit
  CI_FILE_TOO_LARGE = 8,    // encoded bytes above the limit
  CI_TOO_MANY_SCANS = 9,    // a progressive JPEG with more scans than real files have
  CI_OUT_OF_MEMORY = 10,    // the decoder's own memory limit, or the system's
  // 11 to 13 are detected outside this shim.
  CI_WRONG_CHECKSUM = 14,   // a checksum does not match the bytes that it covers
  CI_DAMAGED_PIXELS = 15,   // the compressed pixels end early or are invalid
  CI_UNKNOWN_COLOUR = 16,   // a pixel's palette index is out of range
  CI_NO_DECLARED_RANGE = 17,  // a TIFF of floating-point, signed or 32-bit samples: the file does not
                              // declare which values are black and white
  CI_RARE_KIND = 18,        // a TIFF, WebP or BMP with unsupported colours, channels or compression
  CI_CAMERA_RAW = 19        // a TIFF of raw camera sensor data
} ci_status;

/// How the colours of a file with an ICC profile are treated.
typedef enum ci_colour {
  CI_COLOUR_AS_STORED = 0,  // the profile is ignored
  CI_COLOUR_SRGB = 1        // converted to sRGB; without a profile they are sRGB already
} ci_colour;

/// Limits and options of one decode.
typedef struct ci_limits {
  uint64_t pixels;        // width * height
  uint32_t side;          // width, height
  uint32_t scans;         // passes over a progressive JPEG
  uint64_t scan_pixels;   // passes * pixels: bounds the time of a progressive JPEG
  uint64_t file_bytes;    // encoded size
  uint64_t memory_bytes;  // samples, and the coefficients of a progressive JPEG
  uint32_t colour;        // ci_colour
} ci_limits;

/// A decoded image: height * width * channels samples, rows from the top, channels interleaved.
/// Channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha (alpha not premultiplied).
/// 8-bit samples are bytes, 16-bit samples are in the byte order of the machine.
typedef struct ci_image {
  const void *samples;   // valid until the decoder's next call
  uint32_t width;
  uint32_t height;
  uint32_t channels;
  uint32_t bits;         // 8 or 16
  uint32_t orientation;  // of EXIF or XMP, 1...8, not applied; 1 when absent or invalid
  uint32_t has_more;     // 1: the file has more pages or frames; the first one was decoded
} ci_image;

/// Memory that one thread reuses for all its images.
typedef struct ci_decoder ci_decoder;

/// Returns NULL if memory is exhausted.
ci_decoder *ci_decoder_create(void);
void ci_decoder_destroy(ci_decoder *decoder);

/// Decodes one file, recognised by its first bytes only. JPEG uses the accurate integer inverse DCT
/// ("islow") and smooth chroma upsampling. A warning after which the library would invent pixels is
/// an error; a warning that affects no pixel (parts that are not read, stray bytes between
/// segments) is not. Gamma and chromaticities of a PNG are ignored; of an animated PNG the default
/// image is read. Samples of less than 8 bits are scaled to 8, those of 9 to 15 bits to 16, by the
/// white that the file declares (TIFF: all bits set; PNM: its maximum).
ci_status ci_decode(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);

/// Orientation 1...8 from a TIFF block as EXIF embeds it; 1 if absent or malformed.
uint32_t ci_exif_orientation(const uint8_t *tiff, size_t length);

/// A text entry of a PNG file.
typedef struct ci_text {
  const char *keyword;  // 1...79 Latin-1 characters
  const char *value;    // zero-terminated
  int is_international; // iTXt (UTF-8) instead of tEXt (Latin-1)
} ci_text;

/// Encodes 8-bit samples (layout as in ci_image) as PNG. Free *bytes with ci_free.
ci_status ci_png_encode(
    const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels,
    const ci_text *texts, size_t text_count, uint8_t **bytes, size_t *length);
void ci_free(void *memory);

#endif
