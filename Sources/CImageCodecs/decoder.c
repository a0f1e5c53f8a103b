#include "decoder.h"
#include "icc.h"

#include <stdlib.h>
#include <string.h>

// A buffer above this size is freed before the next image, so that one huge photograph does not
// hold its memory while a million small ones are read.
static const size_t retained_capacity = (size_t)16 << 20;

ci_decoder *ci_decoder_create(void) { return calloc(1, sizeof(ci_decoder)); }

void ci_decoder_destroy(ci_decoder *decoder) {
  if (decoder == NULL) return;
  free(decoder->samples);
  free(decoder->row);
  free(decoder->profile);
  free(decoder);
}

static ci_status reserve(uint8_t **memory, size_t *capacity, uint64_t size) {
  if (size > SIZE_MAX) return CI_OUT_OF_MEMORY;
  if (size <= *capacity) return CI_OK;
  free(*memory);  // contents are not needed: cheaper than realloc
  *capacity = 0;
  *memory = malloc((size_t)size);
  if (*memory == NULL) return CI_OUT_OF_MEMORY;
  *capacity = (size_t)size;
  return CI_OK;
}

ci_status ci_reserve_samples(ci_decoder *decoder, uint64_t size, const ci_limits *limits) {
  if (size > limits->memory_bytes) return CI_OUT_OF_MEMORY;
  return reserve(&decoder->samples, &decoder->capacity, size);
}

ci_status ci_reserve_row(ci_decoder *decoder, uint64_t size, const ci_limits *limits) {
  if (size > limits->memory_bytes) return CI_OUT_OF_MEMORY;
  return reserve(&decoder->row, &decoder->row_capacity, size);
}

ci_status ci_keep_profile(ci_decoder *decoder, const uint8_t *profile, size_t length) {
  if (profile == NULL || length == 0 || length > ci_profile_limit) return CI_OK;
  ci_status status = reserve(&decoder->profile, &decoder->profile_capacity, length);
  if (status != CI_OK) return status;
  memcpy(decoder->profile, profile, length);
  decoder->profile_length = length;
  return CI_OK;
}

ci_status ci_check_size(uint64_t width, uint64_t height, const ci_limits *limits) {
  if (width == 0 || height == 0) return CI_CORRUPT;
  if (width > limits->side || height > limits->side) return CI_SIDE_TOO_LONG;
  if (width * height > limits->pixels) return CI_TOO_MANY_PIXELS;  // sides fit in 32 bits
  return CI_OK;
}

static void release_large(uint8_t **memory, size_t *capacity) {
  if (*capacity <= retained_capacity) return;
  free(*memory);
  *memory = NULL;
  *capacity = 0;
}

typedef ci_status (*decode_function)(
    ci_decoder *, const uint8_t *, size_t, const ci_limits *, ci_image *);

typedef struct kind {
  uint8_t size;           // of the signature
  uint8_t signature[12];
  uint8_t any[2];         // from, to: bytes that may have any value
  decode_function decode;
} kind;

static const kind kinds[] = {
    {8, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, {0, 0}, ci_decode_png},
    {3, {0xff, 0xd8, 0xff}, {0, 0}, ci_decode_jpeg},
    {4, {'I', 'I', 42, 0}, {0, 0}, ci_decode_tiff},
    {4, {'M', 'M', 0, 42}, {0, 0}, ci_decode_tiff},
    {4, {'I', 'I', 43, 0}, {0, 0}, ci_decode_tiff},  // 64-bit offsets
    {4, {'M', 'M', 0, 43}, {0, 0}, ci_decode_tiff},
    {12, {'R', 'I', 'F', 'F', 0, 0, 0, 0, 'W', 'E', 'B', 'P'}, {4, 8}, ci_decode_webp},
    {2, {'B', 'M'}, {0, 0}, ci_decode_bmp},
    {2, {'P', '1'}, {0, 0}, ci_decode_pnm},
    {2, {'P', '2'}, {0, 0}, ci_decode_pnm},
    {2, {'P', '3'}, {0, 0}, ci_decode_pnm},
    {2, {'P', '4'}, {0, 0}, ci_decode_pnm},
    {2, {'P', '5'}, {0, 0}, ci_decode_pnm},
    {2, {'P', '6'}, {0, 0}, ci_decode_pnm},
};

static int begins_as(const kind *kind, const uint8_t *bytes, size_t length) {
  for (size_t index = 0; index < length && index < kind->size; index += 1) {
    if (index >= kind->any[0] && index < kind->any[1]) continue;
    if (bytes[index] != kind->signature[index]) return 0;
  }
  return 1;
}

ci_status ci_decode(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  release_large(&decoder->samples, &decoder->capacity);
  release_large(&decoder->row, &decoder->row_capacity);
  memset(image, 0, sizeof *image);
  image->orientation = 1;
  if (length == 0) return CI_EMPTY;
  if (length > limits->file_bytes) return CI_FILE_TOO_LARGE;
  for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index += 1) {
    if (!begins_as(&kinds[index], bytes, length)) continue;
    // A file that ends inside the signature is a truncated image, not another kind of file.
    if (length < kinds[index].size) return CI_TRUNCATED;
    decoder->profile_length = 0;
    ci_status status = kinds[index].decode(decoder, bytes, length, limits, image);
    // PNG and JPEG convert while they decode; the other decoders leave their profile here.
    if (status == CI_OK && decoder->profile_length > 0) {
      ci_convert_to_srgb(limits, decoder->profile, decoder->profile_length, image);
    }
    return status;
  }
  return CI_NOT_AN_IMAGE;
}
