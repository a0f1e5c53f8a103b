// Throws changed image files at every decoder, with address and undefined-behaviour sanitizers.
// Built and run by image_fuzz.sh.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "decoder.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

// Small, so that a run goes through many files; the checks are the same at any size.
static ci_limits limits = {
    .pixels = 1 << 18,
    .side = 4096,
    .scans = 20,
    .scan_pixels = 1 << 21,
    .file_bytes = 1 << 20,
    .memory_bytes = 1 << 24};

static void demand(int condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "broken promise: %s\n", what);
  abort();
}

static size_t size_of(const ci_image *image) {
  return (size_t)image->width * image->height * image->channels * (image->bits / 8);
}

static void check(const ci_image *image) {
  demand(image->width > 0 && image->width <= limits.side, "the width is within its limit");
  demand(image->height > 0 && image->height <= limits.side, "the height is within its limit");
  demand((uint64_t)image->width * image->height <= limits.pixels, "pixels are within their limit");
  demand(image->channels >= 1 && image->channels <= 4, "there are 1 to 4 channels");
  demand(image->bits == 8 || image->bits == 16, "a sample has 8 or 16 bits");
  demand(image->orientation >= 1 && image->orientation <= 8, "the orientation is 1 to 8");
}

// Decodes twice into memory of different content: a sample that differs was never written.
static void decode_twice(const uint8_t *bytes, size_t length) {
  ci_decoder *decoder = ci_decoder_create();
  ci_image image;
  ci_status status = ci_decode(decoder, bytes, length, &limits, &image);
  if (status == CI_OK) {
    check(&image);
    size_t size = size_of(&image);
    uint8_t *first = malloc(size);
    memcpy(first, image.samples, size);
    memset(decoder->samples, 0x55, size);
    decoder->fill = 0x55;
    demand(ci_decode(decoder, bytes, length, &limits, &image) == CI_OK, "a decode can be repeated");
    demand(size_of(&image) == size && memcmp(first, image.samples, size) == 0,
           "every sample comes from the file");
    free(first);
  }
  ci_decoder_destroy(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // In memory of exactly this size: one byte too far is noticed.
  uint8_t *bytes = malloc(size == 0 ? 1 : size);
  memcpy(bytes, data, size);
  // Profiles are read only where colours are converted.
  for (uint32_t colour = CI_COLOUR_AS_STORED; colour <= CI_COLOUR_SRGB; colour += 1) {
    limits.colour = colour;
    decode_twice(bytes, size);
  }
  free(bytes);
  return 0;
}

static uint32_t big_endian32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// A changed PNG gets new checksums, or nothing behind them would ever be reached.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size < 8 || memcmp(data, "\x89PNG", 4) != 0 || seed % 8 == 0) return size;
  size_t offset = 8;
  while (size - offset >= 12) {
    size_t length = big_endian32(data + offset);
    if (length > size - offset - 12) break;
    uint32_t sum = (uint32_t)crc32(0, data + offset + 4, (uInt)(length + 4));
    uint8_t *place = data + offset + 8 + length;
    for (int index = 0; index < 4; index += 1) place[index] = (uint8_t)(sum >> (24 - 8 * index));
    offset += length + 12;
  }
  return size;
}
