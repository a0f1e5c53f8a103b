// What the decoders of this folder share. Not visible outside it.
#ifndef FIGMENT_DECODER_H
#define FIGMENT_DECODER_H

#include <setjmp.h>

#include "CImageCodecs.h"

struct ci_decoder {
  uint8_t *samples;  // grows, reused
  size_t capacity;
  uint8_t *row;      // one CMYK row
  size_t row_capacity;
  jmp_buf jump;      // target of the library's error handlers, valid during one decode
  ci_status status;  // what the error handler saw
};

/// Room for `size` bytes in decoder->samples.
ci_status ci_reserve_samples(ci_decoder *decoder, uint64_t size, const ci_limits *limits);

/// CI_OK, or which limit an image of this size breaks.
ci_status ci_check_size(uint64_t width, uint64_t height, const ci_limits *limits);

ci_status ci_decode_png(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);
ci_status ci_decode_jpeg(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image);

#endif
