// Declarations shared by the decoders of this folder. Not visible outside it.
#ifndef FIGMENT_DECODER_H
#define FIGMENT_DECODER_H

#include <setjmp.h>

#include "CImageCodecs.h"

struct ci_decoder {
  uint8_t *samples;  // grows, reused
  size_t capacity;
  uint8_t *row;      // one CMYK row of a JPEG; one strip or tile of a TIFF
  size_t row_capacity;
  uint8_t *profile;  // a copy of the colour profile, if the library frees its own
  size_t profile_capacity;
  size_t profile_length;
  uint8_t fill;      // initial content of memory that a library writes to; the fuzzer changes it
  jmp_buf jump;      // target of the library's error handlers, valid during one decode
  ci_status status;  // what the error handler recorded
};

/// Room for `size` bytes in decoder->samples.
ci_status ci_reserve_samples(ci_decoder *decoder, uint64_t size, const ci_limits *limits);

/// Room for `size` bytes in decoder->row.
ci_status ci_reserve_row(ci_decoder *decoder, uint64_t size, const ci_limits *limits);

/// Copies a colour profile into the decoder, for the conversion after decoding. A profile of an
/// absurd size is ignored, as if the file had none.
ci_status ci_keep_profile(ci_decoder *decoder, const uint8_t *profile, size_t length);

/// CI_OK, or the limit that an image of this size exceeds.
ci_status ci_check_size(uint64_t width, uint64_t height, const ci_limits *limits);

/// Little-endian numbers at `bytes`.
static inline uint32_t ci_little16(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}
static inline uint32_t ci_little24(const uint8_t *bytes) {
  return ci_little16(bytes) | (uint32_t)bytes[2] << 16;
}
static inline uint32_t ci_little32(const uint8_t *bytes) {
  return ci_little24(bytes) | (uint32_t)bytes[3] << 24;
}

/// Rescales `value` from 0...maximum to 0...top, rounded.
static inline uint32_t ci_scaled(uint32_t value, uint32_t maximum, uint32_t top) {
  return (uint32_t)(((uint64_t)value * top + maximum / 2) / maximum);
}

/// a * b / 255, rounded.
static inline uint8_t ci_product(uint32_t a, uint32_t b) {
  uint32_t t = a * b + 128;
  return (uint8_t)((t + (t >> 8)) >> 8);
}

/// What a TIFF declares, read before libtiff sees it. Every number is hostile.
typedef struct ci_tiff_facts {
  uint64_t width;
  uint64_t height;
  uint32_t compression;
  uint32_t photometric;
  int is_camera_raw;
  int has_more_pages;
} ci_tiff_facts;

/// Reads the first directory. Returns CI_TRUNCATED if a value that affects pixels lies beyond the
/// end of the file.
ci_status ci_tiff_inspect(const uint8_t *bytes, size_t length, ci_tiff_facts *facts);

ci_status ci_decode_png(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_jpeg(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_tiff(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_webp(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_bmp(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_pnm(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);

#endif
