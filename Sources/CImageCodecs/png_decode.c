#include <png.h>
#include <string.h>

#include "decoder.h"
#include "icc.h"
#include "png_chunks.h"

typedef struct png_source {
  ci_decoder *decoder;
  png_chunks chunks;
  png_structp png;
  png_infop info;
} png_source;

static int says(png_const_charp message, const char *words) {
  return message != NULL && strstr(message, words) != NULL;
}

/// The status for a message of the library. Its errors have no codes, only these texts.
static ci_status status_of(png_const_charp message) {
  if (says(message, "CRC error") || says(message, "incorrect data check")) {
    return CI_WRONG_CHECKSUM;
  }
  if (says(message, "Missing")) return CI_CORRUPT;
  int is_in_pixels = says(message, "IDAT") || says(message, "image data") || says(message, "filter");
  return is_in_pixels ? CI_DAMAGED_PIXELS : CI_CORRUPT;
}

static void on_error(png_structp png, png_const_charp message) {
  png_source *source = png_get_error_ptr(png);
  if (source->decoder->status == CI_OK) {
    source->decoder->status = source->chunks.is_cut ? CI_TRUNCATED : status_of(message);
  }
  longjmp(source->decoder->jump, 1);
}

// Bytes after the last pixel are surplus. Any other warning may mean that the library invents
// pixels, including warnings that a later version may add.
static void on_warning(png_structp png, png_const_charp message) {
  if (says(message, "Extra compressed data") || says(message, "Too much image data")) return;
  on_error(png, message);
}

static void read_bytes(png_structp png, png_bytep destination, size_t size) {
  png_source *source = png_get_io_ptr(png);
  if (!ci_png_chunks_read(&source->chunks, destination, size)) {
    source->decoder->status = CI_TRUNCATED;
    png_error(png, "the file ends too early");
  }
}

static uint32_t big_endian32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Apart from IDAT, the library sees few, small chunks (see png_chunks.h), so the size of the file
// and of the image bounds the memory.
static void set_limits(png_structp png, const ci_limits *limits) {
  png_set_user_limits(png, limits->side, limits->side);
  png_set_chunk_cache_max(png, 1);  // 1 keeps none; 0 would mean no limit
  png_set_chunk_malloc_max(png, (png_alloc_size_t)limits->file_bytes);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_benign_errors(png, 1);  // as warnings, which on_warning classifies
}

static void read_rows(png_source *source, size_t row_size, uint32_t height, int passes) {
  uint8_t *samples = source->decoder->samples;
  if (passes > 1) memset(samples, 0, row_size * height);
  for (int pass = 0; pass < passes; pass += 1) {
    for (uint32_t y = 0; y < height; y += 1) {
      png_read_row(source->png, samples + row_size * y, NULL);
    }
  }
}

static void fail(png_source *source, ci_status status) {
  source->decoder->status = status;
  longjmp(source->decoder->jump, 1);
}

static void decode(png_source *source, const ci_limits *limits, ci_image *image) {
  source->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, source, on_error, on_warning);
  if (source->png == NULL) fail(source, CI_OUT_OF_MEMORY);
  source->info = png_create_info_struct(source->png);
  if (source->info == NULL) fail(source, CI_OUT_OF_MEMORY);
  png_structp png = source->png;
  png_infop info = source->info;
  set_limits(png, limits);
  png_set_read_fn(png, source, read_bytes);
  png_read_info(png, info);

  uint32_t width = png_get_image_width(png, info);
  uint32_t height = png_get_image_height(png, info);
  png_set_expand(png);  // palette to RGB, grey below 8 bits to 8, tRNS to alpha
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (png_get_bit_depth(png, info) == 16) png_set_swap(png);
#endif
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  uint32_t channels = png_get_channels(png, info);
  uint32_t bits = png_get_bit_depth(png, info);
  size_t row_size = png_get_rowbytes(png, info);
  if (row_size != (size_t)width * channels * (bits / 8)) fail(source, CI_CORRUPT);
  ci_status status = ci_reserve_samples(source->decoder, (uint64_t)row_size * height, limits);
  if (status != CI_OK) fail(source, status);
  read_rows(source, row_size, height, passes);
  png_read_end(png, NULL);  // the end must be present too, or the file is still being written

  image->samples = source->decoder->samples;
  image->width = width;
  image->height = height;
  image->channels = channels;
  image->bits = bits;
}

ci_status ci_decode_png(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  // Signature 8, length 4, "IHDR" 4, width 4, height 4.
  if (length < 24) return CI_TRUNCATED;
  if (memcmp(bytes + 12, "IHDR", 4) != 0) return CI_CORRUPT;
  ci_status status = ci_check_size(big_endian32(bytes + 16), big_endian32(bytes + 20), limits);
  if (status != CI_OK) return status;

  png_source source = {.decoder = decoder};
  ci_png_chunks_begin(&source.chunks, bytes, length, limits->colour == CI_COLOUR_SRGB);
  decoder->status = source.chunks.has_wrong_checksum ? CI_WRONG_CHECKSUM : CI_OK;
  // Everything that changes after setjmp lives in memory (`source`, `decoder`), not in a register
  // that longjmp would restore.
  if (decoder->status == CI_OK && setjmp(decoder->jump) == 0) {
    decode(&source, limits, image);
    image->orientation = ci_orientation(&source.chunks.orientation);
    ci_convert_to_srgb(limits, source.chunks.profile, source.chunks.profile_length, image);
  }
  png_destroy_read_struct(&source.png, &source.info, NULL);
  ci_png_chunks_end(&source.chunks);
  return decoder->status;
}
