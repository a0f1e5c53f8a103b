// Declarations shared by the TIFF files. Not visible outside them.
#ifndef FIGMENT_TIFF_DECODE_H
#define FIGMENT_TIFF_DECODE_H

#include <tiffio.h>

#include "decoder.h"

/// One file during decoding.
typedef struct tiff_source {
  ci_decoder *decoder;
  const ci_limits *limits;
  const uint8_t *bytes;
  size_t length;
  size_t offset;
  unsigned errors;
  unsigned warnings;  // while pixels are decoded: libtiff would continue and invent some
  int is_decoding;
  TIFF *tiff;
} tiff_source;

/// The sample layout of one image, in the file and in the result.
typedef struct tiff_layout {
  uint32_t width, height;
  uint32_t block_width, block_height;  // of a tile or a strip
  uint16_t bits, samples, photometric, compression;
  int is_tiled, is_separate;
  uint32_t colours;    // samples that are read as colour: 1, 3, or 4 inks
  int alpha;           // index of the alpha sample, -1: none
  int is_associated;   // colours are multiplied by alpha
  uint32_t stored;     // samples per pixel in the result, before conversion from CMYK
  uint32_t out_bits;   // 8 or 16
  const uint16_t *map[3];
  int map_shift;
} tiff_layout;

/// Opens `source` for libtiff; returns NULL if it cannot be opened.
TIFF *ci_tiff_open(tiff_source *source);

/// Whether a compression is supported: libtiff's, except the old, rare and floating-point ones.
int ci_tiff_is_read(uint32_t compression);

/// Reads the sample layout. Any status but CI_OK is the reason why the file is not read.
ci_status ci_tiff_read_layout(TIFF *tiff, const ci_limits *limits, tiff_layout *layout);

#endif
