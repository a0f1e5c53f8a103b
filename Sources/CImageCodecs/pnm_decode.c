// Netpbm's PBM, PGM and PPM, plain (P1 to P3) and raw (P4 to P6), with 8 or 16 bits per sample.
#include <string.h>

#include "decoder.h"

typedef struct pnm_source {
  const uint8_t *bytes;
  size_t length;
  size_t offset;
} pnm_source;

static int is_space(uint8_t byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

// Skips blanks and comments, which run from '#' to the end of the line.
static void skip_blanks(pnm_source *source) {
  while (source->offset < source->length) {
    uint8_t byte = source->bytes[source->offset];
    if (byte == '#') {
      while (source->offset < source->length && source->bytes[source->offset] != '\n') {
        source->offset += 1;
      }
    } else if (!is_space(byte)) {
      return;
    } else {
      source->offset += 1;
    }
  }
}

// A decimal number and the blank after it; without the blank, more digits may be missing.
static ci_status read_number(pnm_source *source, uint32_t *number) {
  skip_blanks(source);
  uint64_t value = 0;
  size_t start = source->offset;
  while (source->offset < source->length && is_digit(source->bytes[source->offset])) {
    value = value * 10 + (source->bytes[source->offset] - '0');
    if (value > UINT32_MAX) return CI_CORRUPT;
    source->offset += 1;
  }
  if (source->offset == source->length) return CI_TRUNCATED;
  uint8_t next = source->bytes[source->offset];
  if (source->offset == start || !(is_space(next) || next == '#')) return CI_CORRUPT;
  *number = (uint32_t)value;
  return CI_OK;
}

typedef struct pnm_header {
  int kind;  // 1...6
  uint32_t width, height, channels, maximum, bits;
} pnm_header;

static int is_plain(const pnm_header *header) { return header->kind <= 3; }
static int is_bitmap(const pnm_header *header) { return header->kind == 1 || header->kind == 4; }

static ci_status read_header(pnm_source *source, pnm_header *header) {
  header->kind = source->bytes[1] - '0';
  header->channels = header->kind == 3 || header->kind == 6 ? 3 : 1;
  header->maximum = 1;
  source->offset = 2;
  if (source->length == 2) return CI_TRUNCATED;
  if (!is_space(source->bytes[2]) && source->bytes[2] != '#') return CI_NOT_AN_IMAGE;
  ci_status status = read_number(source, &header->width);
  if (status == CI_CORRUPT) return CI_NOT_AN_IMAGE;  // some other text
  if (status == CI_OK) status = read_number(source, &header->height);
  if (status == CI_OK && !is_bitmap(header)) status = read_number(source, &header->maximum);
  if (status != CI_OK) return status;
  if (header->maximum == 0 || header->maximum > 65535) return CI_CORRUPT;
  header->bits = header->maximum > 255 ? 16 : 8;
  // A comment may precede the single blank that ends the header.
  while (source->offset < source->length && source->bytes[source->offset] == '#') {
    while (source->offset < source->length && source->bytes[source->offset] != '\n') {
      source->offset += 1;
    }
  }
  if (source->offset == source->length) return CI_TRUNCATED;
  source->offset += 1;
  return CI_OK;
}

static ci_status put(
    const pnm_header *header, uint8_t *samples, uint64_t index, uint32_t value) {
  if (value > header->maximum) return CI_CORRUPT;
  if (is_bitmap(header)) value = 1 - value;  // 1 is ink
  if (header->bits == 8) {
    samples[index] = (uint8_t)ci_scaled(value, header->maximum, 255);
  } else {
    uint16_t word = (uint16_t)ci_scaled(value, header->maximum, 65535);
    memcpy(samples + 2 * index, &word, 2);
  }
  return CI_OK;
}

static ci_status read_plain(
    pnm_source *source, const pnm_header *header, uint8_t *samples, uint64_t count) {
  for (uint64_t index = 0; index < count; index += 1) {
    uint32_t value = 0;
    ci_status status = CI_OK;
    if (is_bitmap(header)) {  // digits need no blanks between them
      skip_blanks(source);
      if (source->offset == source->length) return CI_TRUNCATED;
      uint8_t digit = source->bytes[source->offset];
      if (!is_digit(digit)) return CI_CORRUPT;
      value = digit - '0';
      source->offset += 1;
    } else {
      status = read_number(source, &value);
    }
    if (status == CI_OK) status = put(header, samples, index, value);
    if (status != CI_OK) return status;
  }
  return CI_OK;
}

static uint32_t raw_sample(const pnm_header *header, const uint8_t *row, uint32_t x) {
  if (is_bitmap(header)) return row[x / 8] >> (7 - x % 8) & 1;
  return header->bits == 16 ? (uint32_t)row[2 * x] << 8 | row[2 * x + 1] : row[x];
}

static ci_status read_raw(
    pnm_source *source, const pnm_header *header, uint8_t *samples, size_t row_size) {
  uint64_t place = 0;
  for (uint32_t y = 0; y < header->height; y += 1) {
    const uint8_t *row = source->bytes + source->offset + row_size * y;
    for (uint32_t x = 0; x < header->width * header->channels; x += 1, place += 1) {
      ci_status status = put(header, samples, place, raw_sample(header, row, x));
      if (status != CI_OK) return status;
    }
  }
  source->offset += row_size * header->height;
  return CI_OK;
}

// Whether another image follows, as the format allows.
static int has_more(pnm_source *source) {
  while (source->offset < source->length && is_space(source->bytes[source->offset])) {
    source->offset += 1;
  }
  const uint8_t *next = source->bytes + source->offset;
  return source->length - source->offset > 2 && next[0] == 'P' && next[1] >= '1' &&
         next[1] <= '6' && is_space(next[2]);
}

ci_status ci_decode_pnm(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  pnm_source source = {.bytes = bytes, .length = length};
  pnm_header header = {0};
  ci_status status = read_header(&source, &header);
  if (status == CI_OK) status = ci_check_size(header.width, header.height, limits);
  if (status != CI_OK) return status;
  uint64_t count = (uint64_t)header.width * header.height * header.channels;
  uint64_t row_size = (uint64_t)header.width * header.channels * (header.bits / 8);
  if (header.kind == 4) row_size = ((uint64_t)header.width + 7) / 8;
  // Checked before memory is allocated: a plain sample has at least one digit.
  uint64_t least = is_plain(&header) ? count : row_size * header.height;
  if (least > length - source.offset) return CI_TRUNCATED;
  status = ci_reserve_samples(decoder, count * (header.bits / 8), limits);
  if (status != CI_OK) return status;
  status = is_plain(&header) ? read_plain(&source, &header, decoder->samples, count)
                             : read_raw(&source, &header, decoder->samples, (size_t)row_size);
  if (status != CI_OK) return status;
  image->samples = decoder->samples;
  image->width = header.width;
  image->height = header.height;
  image->channels = header.channels;
  image->bits = header.bits;
  image->has_more = (uint32_t)has_more(&source);
  return CI_OK;
}
