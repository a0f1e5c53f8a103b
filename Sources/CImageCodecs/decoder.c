#include "decoder.h"

#include <stdlib.h>
#include <string.h>

// A buffer above this size is given back before the next image: one huge photograph must not
// hold its memory while a million small ones are read.
static const size_t retained_capacity = (size_t)16 << 20;

ci_decoder *ci_decoder_create(void) { return calloc(1, sizeof(ci_decoder)); }

void ci_decoder_destroy(ci_decoder *decoder) {
  if (decoder == NULL) return;
  free(decoder->samples);
  free(decoder->row);
  free(decoder);
}

ci_status ci_reserve_samples(ci_decoder *decoder, uint64_t size, const ci_limits *limits) {
  if (size > limits->memory_bytes || size > SIZE_MAX) return CI_OUT_OF_MEMORY;
  if (size <= decoder->capacity) return CI_OK;
  free(decoder->samples);  // contents are not needed: cheaper than realloc
  decoder->capacity = 0;
  decoder->samples = malloc((size_t)size);
  if (decoder->samples == NULL) return CI_OUT_OF_MEMORY;
  decoder->capacity = (size_t)size;
  return CI_OK;
}

ci_status ci_check_size(uint64_t width, uint64_t height, const ci_limits *limits) {
  if (width == 0 || height == 0) return CI_CORRUPT;
  if (width > limits->side || height > limits->side) return CI_SIDE_TOO_LONG;
  if (width * height > limits->pixels) return CI_TOO_MANY_PIXELS;  // sides fit in 32 bits
  return CI_OK;
}

ci_status ci_decode(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  static const uint8_t jpeg_signature[3] = {0xff, 0xd8, 0xff};
  if (decoder->capacity > retained_capacity) {
    free(decoder->samples);
    decoder->samples = NULL;
    decoder->capacity = 0;
  }
  if (length == 0) return CI_EMPTY;
  if (length > limits->file_bytes) return CI_FILE_TOO_LARGE;
  // A file that is cut inside the signature is a truncated image, not another kind of file.
  size_t head = length < sizeof png_signature ? length : sizeof png_signature;
  if (memcmp(bytes, png_signature, head) == 0) {
    if (head < sizeof png_signature) return CI_TRUNCATED;
    return ci_decode_png(decoder, bytes, length, limits, image);
  }
  head = length < sizeof jpeg_signature ? length : sizeof jpeg_signature;
  if (memcmp(bytes, jpeg_signature, head) == 0) {
    if (head < sizeof jpeg_signature) return CI_TRUNCATED;
    return ci_decode_jpeg(decoder, bytes, length, limits, image);
  }
  return CI_NOT_AN_IMAGE;
}
