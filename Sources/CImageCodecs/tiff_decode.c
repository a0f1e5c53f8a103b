// TIFF to samples: libtiff reads strips and tiles, and this file interprets their samples.
#include <string.h>

#include "tiff_decode.h"

// The size of strips or tiles. The tiles of a small image may extend far beyond it. Their cost
// follows their own size, so they have the limit of an image.
static ci_status measure_blocks(tiff_source *source, tiff_layout *layout) {
  layout->block_width = layout->width;
  layout->block_height = layout->height;
  if (!layout->is_tiled) {
    TIFFGetFieldDefaulted(source->tiff, TIFFTAG_ROWSPERSTRIP, &layout->block_height);
    if (layout->block_height > layout->height) layout->block_height = layout->height;
    return layout->block_height == 0 ? CI_CORRUPT : CI_OK;
  }
  TIFFGetField(source->tiff, TIFFTAG_TILEWIDTH, &layout->block_width);
  TIFFGetField(source->tiff, TIFFTAG_TILELENGTH, &layout->block_height);
  if (layout->block_width == 0 || layout->block_height == 0) return CI_CORRUPT;
  uint64_t across = ((uint64_t)layout->width + layout->block_width - 1) / layout->block_width;
  uint64_t down = ((uint64_t)layout->height + layout->block_height - 1) / layout->block_height;
  uint64_t covered_width = across * layout->block_width;
  uint64_t covered_height = down * layout->block_height;
  return covered_width > source->limits->pixels / covered_height ? CI_TOO_MANY_PIXELS : CI_OK;
}

// Reserves memory for one strip or tile, and for the result.
static ci_status reserve_block(tiff_source *source, const tiff_layout *layout) {
  const ci_limits *limits = source->limits;
  uint64_t size =
      layout->is_tiled ? TIFFTileSize64(source->tiff) : TIFFStripSize64(source->tiff);
  uint64_t samples = layout->is_separate ? 1 : layout->samples;
  uint64_t row = ((uint64_t)layout->block_width * samples * layout->bits + 7) / 8;
  if (size == 0 || size < row * layout->block_height) return CI_CORRUPT;
  uint64_t result = (uint64_t)layout->width * layout->height * layout->stored * layout->out_bits / 8;
  if (size > limits->memory_bytes || result > limits->memory_bytes - size) return CI_OUT_OF_MEMORY;
  ci_status status = ci_reserve_row(source->decoder, size, limits);
  if (status != CI_OK) return status;
  return ci_reserve_samples(source->decoder, result, limits);
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t sample_at(const uint8_t *row, uint64_t index, unsigned bits) {
  if (bits == 8) return row[index];
  if (bits == 16) {
    uint16_t value;  // libtiff returns the byte order of the machine
    memcpy(&value, row + 2 * index, 2);
    return value;
  }
  uint64_t bit = index * bits;
  const uint8_t *bytes = row + bit / 8;
  unsigned shift = bit % 8;
  uint32_t value = (uint32_t)bytes[0] << 16;
  if (shift + bits > 8) value |= (uint32_t)bytes[1] << 8;
  if (shift + bits > 16) value |= bytes[2];
  return value >> (24 - shift - bits) & ((1u << bits) - 1);
}

static void put(const tiff_layout *layout, void *samples, uint64_t index, uint32_t value) {
  if (layout->out_bits == 8) {
    ((uint8_t *)samples)[index] = (uint8_t)value;
  } else {
    ((uint16_t *)samples)[index] = (uint16_t)value;
  }
}

// Whether a row already has the layout of the result.
static int is_as_stored(const tiff_layout *layout) {
  return !layout->is_separate && layout->samples == layout->stored &&
         layout->bits == layout->out_bits && layout->map[0] == NULL &&
         layout->photometric != PHOTOMETRIC_MINISWHITE;
}

// Stores one row of a block: `count` pixels that begin at column `x` of row `y`. `plane` is the
// sample of a separate plane.
static void store_row(
    const tiff_layout *layout, const uint8_t *row, void *samples, uint32_t x, uint32_t y,
    uint32_t count, uint32_t plane) {
  uint32_t maximum = (1u << layout->bits) - 1;
  uint32_t top = layout->out_bits == 8 ? 255 : 65535;
  uint32_t step = layout->is_separate ? 1 : layout->samples;
  uint64_t place = ((uint64_t)y * layout->width + x) * layout->stored;
  if (is_as_stored(layout)) {
    size_t size = layout->out_bits / 8;
    memcpy((uint8_t *)samples + place * size, row, (size_t)count * layout->stored * size);
    return;
  }
  for (uint32_t column = 0; column < count; column += 1, place += layout->stored) {
    for (uint32_t channel = 0; channel < layout->stored; channel += 1) {
      // Alpha follows the colours, here and in the file.
      if (layout->is_separate && channel != plane) continue;
      uint64_t index = (uint64_t)column * step + (layout->is_separate ? 0 : channel);
      if (layout->map[0] != NULL) {
        uint32_t level = sample_at(row, column, layout->bits);
        put(layout, samples, place + channel, layout->map[channel][level] >> layout->map_shift);
        continue;
      }
      uint32_t value = sample_at(row, index, layout->bits);
      if (layout->photometric == PHOTOMETRIC_MINISWHITE && channel == 0) value = maximum - value;
      put(layout, samples, place + channel, ci_scaled(value, maximum, top));
    }
  }
}

// Decodes one strip or tile into the decoder's row.
static ci_status read_block(
    tiff_source *source, const tiff_layout *layout, uint32_t number, size_t size) {
  ci_decoder *decoder = source->decoder;
  tmsize_t room = (tmsize_t)decoder->row_capacity;
  memset(decoder->row, decoder->fill, size);  // no byte of the previous image may remain
  tmsize_t done = layout->is_tiled
                      ? TIFFReadEncodedTile(source->tiff, number, decoder->row, room)
                      : TIFFReadEncodedStrip(source->tiff, number, decoder->row, room);
  if (source->errors > 0 || source->warnings > 0) return CI_DAMAGED_PIXELS;
  return done < 0 || (uint64_t)done < size ? CI_DAMAGED_PIXELS : CI_OK;
}

static ci_status decode_block(
    tiff_source *source, const tiff_layout *layout, uint32_t x, uint32_t y, uint32_t plane) {
  ci_decoder *decoder = source->decoder;
  uint32_t rows = smaller(layout->height - y, layout->block_height);
  uint32_t columns = smaller(layout->width - x, layout->block_width);
  uint64_t samples = layout->is_separate ? 1 : layout->samples;
  size_t row_size = (size_t)(((uint64_t)layout->block_width * samples * layout->bits + 7) / 8);
  uint32_t number = layout->is_tiled
                        ? TIFFComputeTile(source->tiff, x, y, 0, (uint16_t)plane)
                        : TIFFComputeStrip(source->tiff, y, (uint16_t)plane);
  ci_status status = read_block(source, layout, number, row_size * rows);
  if (status != CI_OK) return status;
  for (uint32_t row = 0; row < rows; row += 1) {
    store_row(
        layout, decoder->row + row_size * row, decoder->samples, x, y + row, columns, plane);
  }
  return CI_OK;
}

static ci_status decode_blocks(tiff_source *source, const tiff_layout *layout) {
  uint32_t planes = layout->is_separate ? layout->stored : 1;
  for (uint32_t plane = 0; plane < planes; plane += 1) {
    for (uint32_t y = 0; y < layout->height; y += layout->block_height) {
      for (uint32_t x = 0; x < layout->width; x += layout->block_width) {
        ci_status status = decode_block(source, layout, x, y, plane);
        if (status != CI_OK) return status;
      }
    }
  }
  return CI_OK;
}

static uint32_t get(const tiff_layout *layout, const void *samples, uint64_t index) {
  return layout->out_bits == 8 ? ((const uint8_t *)samples)[index]
                               : ((const uint16_t *)samples)[index];
}

// Divides colours that were multiplied by alpha, up to rounding.
static void divide_by_alpha(const tiff_layout *layout, void *samples) {
  uint32_t top = layout->out_bits == 8 ? 255 : 65535;
  uint64_t end = (uint64_t)layout->width * layout->height * layout->stored;
  for (uint64_t place = 0; place < end; place += layout->stored) {
    uint32_t alpha = get(layout, samples, place + layout->colours);
    for (uint32_t channel = 0; channel < layout->colours; channel += 1) {
      uint32_t value = get(layout, samples, place + channel);
      uint32_t colour = alpha == 0 ? 0 : ci_scaled(smaller(value, alpha), alpha, top);
      put(layout, samples, place + channel, colour);
    }
  }
}

// CMYK to RGB without a profile, in place: (1 - ink)(1 - black), as for JPEG.
static void light_from_ink(const tiff_layout *layout, void *samples) {
  uint32_t top = layout->out_bits == 8 ? 255 : 65535;
  uint64_t count = (uint64_t)layout->width * layout->height;
  for (uint64_t pixel = 0; pixel < count; pixel += 1) {
    uint32_t light = top - get(layout, samples, 4 * pixel + 3);
    for (uint32_t channel = 0; channel < 3; channel += 1) {
      uint32_t rest = top - get(layout, samples, 4 * pixel + channel);
      put(layout, samples, 3 * pixel + channel, ci_scaled(rest, top, light));
    }
  }
}

// YCbCr with subsampled chroma, outside JPEG: libtiff combines it.
static ci_status decode_subsampled(tiff_source *source, const tiff_layout *layout) {
  char message[1024];  // the size that libtiff expects
  TIFFRGBAImage image;
  uint64_t count = (uint64_t)layout->width * layout->height;
  if (layout->bits != 8 || layout->samples != 3 || layout->is_separate || layout->is_tiled) {
    return CI_RARE_KIND;
  }
  ci_status status = ci_reserve_samples(source->decoder, 4 * count, source->limits);
  if (status != CI_OK) return status;
  if (!TIFFRGBAImageOK(source->tiff, message)) return CI_RARE_KIND;
  if (!TIFFRGBAImageBegin(&image, source->tiff, 1, message)) return CI_CORRUPT;
  image.req_orientation = image.orientation;  // rows keep their order
  uint32_t *raster = (uint32_t *)(void *)source->decoder->samples;
  int is_done = TIFFRGBAImageGet(&image, raster, layout->width, layout->height);
  TIFFRGBAImageEnd(&image);
  if (!is_done || source->errors > 0 || source->warnings > 0) return CI_DAMAGED_PIXELS;
  uint8_t *samples = source->decoder->samples;
  for (uint64_t pixel = 0; pixel < count; pixel += 1) {
    uint32_t colour = raster[pixel];
    samples[3 * pixel] = (uint8_t)TIFFGetR(colour);
    samples[3 * pixel + 1] = (uint8_t)TIFFGetG(colour);
    samples[3 * pixel + 2] = (uint8_t)TIFFGetB(colour);
  }
  return CI_OK;
}

// Whether all strips or tiles lie inside the file.
static int has_all_blocks(const tiff_source *source, const tiff_layout *layout) {
  uint32_t count =
      layout->is_tiled ? TIFFNumberOfTiles(source->tiff) : TIFFNumberOfStrips(source->tiff);
  for (uint32_t block = 0; block < count; block += 1) {
    uint64_t offset = TIFFGetStrileOffset(source->tiff, block);
    uint64_t size = TIFFGetStrileByteCount(source->tiff, block);
    if (offset > source->length || size > source->length - offset) return 0;
  }
  return 1;
}

static ci_status describe(tiff_source *source, const tiff_layout *layout, ci_image *image) {
  uint16_t orientation = 1;
  uint32_t profile_length = 0;
  void *profile = NULL;
  TIFFGetFieldDefaulted(source->tiff, TIFFTAG_ORIENTATION, &orientation);
  image->samples = source->decoder->samples;
  image->width = layout->width;
  image->height = layout->height;
  image->channels = layout->colours == 4 ? 3 : layout->stored;
  image->bits = layout->out_bits;
  image->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  if (!TIFFGetField(source->tiff, TIFFTAG_ICCPROFILE, &profile_length, &profile)) return CI_OK;
  return ci_keep_profile(source->decoder, profile, profile_length);
}

static ci_status decode(tiff_source *source, ci_image *image) {
  tiff_layout layout;
  ci_status status = ci_tiff_read_layout(source->tiff, source->limits, &layout);
  if (status == CI_OK) status = measure_blocks(source, &layout);
  if (status != CI_OK) return status;
  if (!has_all_blocks(source, &layout)) return CI_TRUNCATED;
  // Earlier warnings concerned tags that affect no pixel; anything else was fatal.
  source->is_decoding = 1;
  source->errors = 0;
  if (layout.photometric == PHOTOMETRIC_YCBCR) {
    status = decode_subsampled(source, &layout);
  } else {
    status = reserve_block(source, &layout);
    if (status == CI_OK) status = decode_blocks(source, &layout);
    if (status == CI_OK && layout.is_associated) divide_by_alpha(&layout, source->decoder->samples);
    if (status == CI_OK && layout.colours == 4) light_from_ink(&layout, source->decoder->samples);
  }
  return status == CI_OK ? describe(source, &layout, image) : status;
}

ci_status ci_decode_tiff(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  ci_tiff_facts facts;
  ci_status status = ci_tiff_inspect(bytes, length, &facts);
  if (facts.is_camera_raw) return CI_CAMERA_RAW;
  if (status != CI_OK) return status;
  status = ci_check_size(facts.width, facts.height, limits);
  if (status != CI_OK) return status;
  if (!ci_tiff_is_read(facts.compression)) return CI_RARE_KIND;
  tiff_source source = {.decoder = decoder, .limits = limits, .bytes = bytes, .length = length};
  source.tiff = ci_tiff_open(&source);
  if (source.tiff == NULL) return CI_CORRUPT;
  status = decode(&source, image);
  TIFFClose(source.tiff);
  image->has_more = facts.has_more_pages;
  return status;
}
