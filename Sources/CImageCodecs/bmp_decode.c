// BMP of Windows and OS/2: palettes of 1 to 8 bits, plain or run-length encoded, and 16 to 32 bits
// with any contiguous masks. Every offset and count of the file is checked.
#include <string.h>

#include "decoder.h"

enum {
  file_header = 14,
  rgb = 0,
  rle8 = 1,
  rle4 = 2,
  bit_fields = 3,
  alpha_bit_fields = 6
};

typedef struct bmp_file {
  const uint8_t *bytes;
  size_t length;
  size_t header_size;
  size_t pixels;       // where they begin
  uint32_t width, height;
  int is_top_down;
  uint32_t bits, compression;
  uint32_t masks[4];   // red, green, blue, alpha
  uint8_t palette[256][3];
  uint32_t colours;
} bmp_file;

static int is_header_size(uint32_t size) {
  return size == 12 || size == 16 || size == 40 || size == 52 || size == 56 || size == 64 ||
         size == 108 || size == 124;
}

// Sizes, depth and compression; the rest follows from them.
static ci_status read_header(bmp_file *file) {
  const uint8_t *bytes = file->bytes;
  if (file->length < file_header + 4) return CI_TRUNCATED;
  file->header_size = ci_little32(bytes + file_header);
  if (!is_header_size((uint32_t)file->header_size)) return CI_NOT_AN_IMAGE;
  if (file->length < file_header + file->header_size) return CI_TRUNCATED;
  const uint8_t *header = bytes + file_header;
  file->pixels = ci_little32(bytes + 10);
  if (file->header_size == 12) {
    file->width = ci_little16(header + 4);
    file->height = ci_little16(header + 6);
    file->bits = ci_little16(header + 10);
    return CI_OK;
  }
  file->width = ci_little32(header + 4);
  file->height = ci_little32(header + 8);
  file->bits = ci_little16(header + 14);
  if (file->height > INT32_MAX) {
    file->is_top_down = 1;
    file->height = 0u - file->height;
  }
  if (file->header_size == 16) return CI_OK;
  file->compression = ci_little32(header + 16);
  file->colours = ci_little32(header + 32);
  // OS/2 gave other compressions the numbers 3 and 4.
  if (file->header_size == 64 && file->compression > rle4) return CI_RARE_KIND;
  return CI_OK;
}

// Reads the masks of the red, green, blue and alpha bits of a pixel. Returns how many mask bytes
// follow the header.
static ci_status read_masks(bmp_file *file, size_t *after_header) {
  static const uint32_t standard[2][4] = {
      {0x7c00, 0x03e0, 0x001f, 0}, {0xff0000, 0x00ff00, 0x0000ff, 0}};
  *after_header = 0;
  if (file->compression != bit_fields && file->compression != alpha_bit_fields) {
    memcpy(file->masks, standard[file->bits == 16 ? 0 : 1], sizeof file->masks);
    return CI_OK;
  }
  if (file->bits != 16 && file->bits != 32) return CI_CORRUPT;
  unsigned count = file->header_size >= 56 || file->compression == alpha_bit_fields ? 4 : 3;
  size_t place = file_header + 40;
  if (file->header_size == 40) *after_header = count * 4;
  if (file->length - place < count * 4) return CI_TRUNCATED;
  for (unsigned index = 0; index < count; index += 1) {
    file->masks[index] = ci_little32(file->bytes + place + 4 * index);
    uint32_t mask = file->masks[index];
    // Contiguous: adding the lowest bit carries through all of them.
    if (mask != 0 && (((mask & (0u - mask)) + mask) & mask) != 0) return CI_RARE_KIND;
  }
  return (file->masks[0] | file->masks[1] | file->masks[2]) == 0 ? CI_CORRUPT : CI_OK;
}

static ci_status read_palette(bmp_file *file) {
  uint32_t most = 1u << file->bits;
  size_t entry = file->header_size == 12 ? 3 : 4;
  size_t start = file_header + file->header_size;
  if (file->colours == 0 || file->colours > most) file->colours = most;
  // A palette ends where the pixels begin, whatever count the header declares.
  size_t room = file->pixels > start ? (file->pixels - start) / entry : 0;
  if (file->colours > room) file->colours = (uint32_t)room;
  if (file->colours == 0) return CI_CORRUPT;
  if (file->length - start < file->colours * entry) return CI_TRUNCATED;
  for (uint32_t index = 0; index < file->colours; index += 1) {
    const uint8_t *colour = file->bytes + start + index * entry;
    file->palette[index][0] = colour[2];
    file->palette[index][1] = colour[1];
    file->palette[index][2] = colour[0];
  }
  return CI_OK;
}

static ci_status check_kind(const bmp_file *file) {
  switch (file->bits) {
    case 1: case 2: case 4: case 8: case 16: case 24: case 32: break;
    default: return file->bits == 0 ? CI_RARE_KIND : CI_CORRUPT;  // 0: a JPEG or PNG inside
  }
  switch (file->compression) {
    case rgb: case bit_fields: case alpha_bit_fields: return CI_OK;
    case rle8: return file->bits == 8 && !file->is_top_down ? CI_OK : CI_CORRUPT;
    case rle4: return file->bits == 4 && !file->is_top_down ? CI_OK : CI_CORRUPT;
    default: return CI_RARE_KIND;
  }
}

// The row of the result, counted from the top, for row `row` in file order.
static uint32_t row_of(const bmp_file *file, uint32_t row) {
  return file->is_top_down ? row : file->height - 1 - row;
}

static ci_status read_indices(const bmp_file *file, size_t stride, uint8_t *samples) {
  for (uint32_t row = 0; row < file->height; row += 1) {
    const uint8_t *source = file->bytes + file->pixels + stride * row;
    uint8_t *result = samples + (size_t)row_of(file, row) * file->width * 3;
    for (uint32_t x = 0; x < file->width; x += 1) {
      uint32_t bit = x * file->bits;  // sides are below 2^24: no overflow
      uint32_t index = source[bit / 8] >> (8 - file->bits - bit % 8) & ((1u << file->bits) - 1);
      if (index >= file->colours) return CI_UNKNOWN_COLOUR;
      memcpy(result + 3 * (size_t)x, file->palette[index], 3);
    }
  }
  return CI_OK;
}

static uint32_t field_of(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  unsigned shift = (unsigned)__builtin_ctz(mask);
  return ci_scaled((pixel & mask) >> shift, mask >> shift, 255);
}

// Pixels of 16, 24 and 32 bits. Returns whether any pixel is not fully transparent.
static int read_fields(const bmp_file *file, size_t stride, uint32_t channels, uint8_t *samples) {
  size_t size = file->bits / 8;
  uint32_t seen = 0;
  for (uint32_t row = 0; row < file->height; row += 1) {
    const uint8_t *source = file->bytes + file->pixels + stride * row;
    uint8_t *result = samples + (size_t)row_of(file, row) * file->width * channels;
    for (uint32_t x = 0; x < file->width; x += 1, source += size, result += channels) {
      uint32_t pixel = ci_little16(source);
      if (size == 3) pixel = ci_little24(source);
      if (size == 4) pixel = ci_little32(source);
      for (uint32_t channel = 0; channel < channels; channel += 1) {
        result[channel] = (uint8_t)field_of(pixel, file->masks[channel]);
      }
      if (channels == 4) seen |= result[3];
    }
  }
  return seen != 0;
}

typedef struct rle_cursor {
  size_t offset;
  uint32_t x, row;
} rle_cursor;

// Writes one index at the cursor; pixels past the end of a row are dropped.
static ci_status put(
    const bmp_file *file, rle_cursor *cursor, uint32_t index, uint8_t *samples) {
  if (cursor->row >= file->height) return CI_DAMAGED_PIXELS;
  if (index >= file->colours) return CI_UNKNOWN_COLOUR;
  if (cursor->x >= file->width) return CI_OK;
  size_t place = ((size_t)row_of(file, cursor->row) * file->width + cursor->x) * 3;
  memcpy(samples + place, file->palette[index], 3);
  cursor->x += 1;
  return CI_OK;
}

// `count` literal pixels, padded to an even number of bytes.
static ci_status read_literal(
    const bmp_file *file, rle_cursor *cursor, uint32_t count, uint8_t *samples) {
  size_t size = file->bits == 8 ? count : (count + 1) / 2;
  if (file->length - cursor->offset < size) return CI_TRUNCATED;
  for (uint32_t index = 0; index < count; index += 1) {
    uint8_t byte = file->bytes[cursor->offset + (file->bits == 8 ? index : index / 2)];
    uint32_t value = file->bits == 8 ? byte : index % 2 == 0 ? byte >> 4 : byte & 15;
    ci_status status = put(file, cursor, value, samples);
    if (status != CI_OK) return status;
  }
  size += size & 1;
  size_t rest = file->length - cursor->offset;
  cursor->offset += size < rest ? size : rest;
  return CI_OK;
}

static ci_status read_run(
    const bmp_file *file, rle_cursor *cursor, uint8_t length, uint8_t value, uint8_t *samples) {
  for (uint32_t index = 0; index < length; index += 1) {
    uint32_t colour = file->bits == 8 ? value : index % 2 == 0 ? value >> 4 : value & 15;
    ci_status status = put(file, cursor, colour, samples);
    if (status != CI_OK) return status;
  }
  return CI_OK;
}

// Pixels that no run covers have the first colour.
static ci_status read_runs(const bmp_file *file, uint8_t *samples) {
  size_t count = (size_t)file->width * file->height;
  for (size_t pixel = 0; pixel < count; pixel += 1) {
    memcpy(samples + 3 * pixel, file->palette[0], 3);
  }
  rle_cursor cursor = {.offset = file->pixels};
  while (file->length - cursor.offset >= 2) {
    uint8_t length = file->bytes[cursor.offset], value = file->bytes[cursor.offset + 1];
    cursor.offset += 2;
    ci_status status = CI_OK;
    if (length > 0) {
      status = read_run(file, &cursor, length, value, samples);
    } else if (value == 0) {  // end of a row
      cursor.x = 0;
      cursor.row += 1;
    } else if (value == 1) {  // end of the image
      return CI_OK;
    } else if (value == 2) {  // an offset to the right and to later rows
      if (file->length - cursor.offset < 2) return CI_TRUNCATED;
      cursor.x += file->bytes[cursor.offset];
      cursor.row += file->bytes[cursor.offset + 1];
      cursor.offset += 2;
      if (cursor.x > file->width || cursor.row > file->height) return CI_DAMAGED_PIXELS;
    } else {
      status = read_literal(file, &cursor, value, samples);
    }
    if (status != CI_OK) return status;
  }
  return CI_TRUNCATED;  // no end was marked
}

static ci_status read_pixels(
    bmp_file *file, ci_decoder *decoder, const ci_limits *limits, ci_image *image) {
  size_t after_header = 0;
  ci_status status = file->bits <= 8 ? read_palette(file) : read_masks(file, &after_header);
  if (status != CI_OK) return status;
  if (file->pixels < file_header + file->header_size + after_header) return CI_CORRUPT;
  if (file->pixels > file->length) return CI_TRUNCATED;
  int has_alpha = file->bits > 8 && file->masks[3] != 0;
  image->channels = has_alpha ? 4 : 3;
  uint64_t count = (uint64_t)file->width * file->height;
  int is_packed = file->compression == rle8 || file->compression == rle4;
  uint64_t row_size = ((uint64_t)file->width * file->bits + 7) / 8;
  uint64_t stride = (row_size + 3) & ~(uint64_t)3;
  // The padding of the last row may be missing.
  uint64_t needed = stride * (file->height - 1) + row_size;
  if (!is_packed && needed > file->length - file->pixels) return CI_TRUNCATED;
  status = ci_reserve_samples(decoder, count * image->channels, limits);
  if (status != CI_OK) return status;
  if (is_packed) return read_runs(file, decoder->samples);
  if (file->bits <= 8) return read_indices(file, (size_t)stride, decoder->samples);
  if (!read_fields(file, (size_t)stride, image->channels, decoder->samples) && has_alpha) {
    // Programs without alpha support leave it zero everywhere. Nobody stores a fully invisible
    // image.
    image->channels = 3;
    read_fields(file, (size_t)stride, 3, decoder->samples);
  }
  return CI_OK;
}

// The profile that the largest header may name.
static ci_status keep_profile(const bmp_file *file, ci_decoder *decoder) {
  const uint8_t *header = file->bytes + file_header;
  if (file->header_size < 124 || memcmp(header + 56, "DEBM", 4) != 0) return CI_OK;
  size_t offset = file_header + (size_t)ci_little32(header + 112);
  size_t length = ci_little32(header + 116);
  if (offset > file->length || length > file->length - offset) return CI_TRUNCATED;
  return ci_keep_profile(decoder, file->bytes + offset, length);
}

ci_status ci_decode_bmp(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  bmp_file file = {.bytes = bytes, .length = length};
  ci_status status = read_header(&file);
  if (status == CI_OK) status = check_kind(&file);
  if (status == CI_OK) status = ci_check_size(file.width, file.height, limits);
  if (status == CI_OK) status = read_pixels(&file, decoder, limits, image);
  if (status != CI_OK) return status;
  image->samples = decoder->samples;
  image->width = file.width;
  image->height = file.height;
  image->bits = 8;
  return keep_profile(&file, decoder);
}
