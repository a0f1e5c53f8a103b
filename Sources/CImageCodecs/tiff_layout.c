// The sample layout that the fields of a TIFF declare, and the supported layouts.
#include <string.h>

#include "tiff_decode.h"

int ci_tiff_is_read(uint32_t compression) {
  switch (compression) {
    case COMPRESSION_NONE: case COMPRESSION_CCITTRLE: case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4: case COMPRESSION_CCITTRLEW: case COMPRESSION_LZW:
    case COMPRESSION_JPEG: case COMPRESSION_PACKBITS: case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE: case COMPRESSION_LERC: case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD: case COMPRESSION_WEBP:
      return TIFFIsCODECConfigured((uint16_t)compression);
    default:
      return 0;
  }
}

// Interprets the samples beyond the colours as Pillow does: the first of them may be alpha; four
// samples of RGB without a declaration are RGBA.
static ci_status read_extra_samples(TIFF *tiff, tiff_layout *layout) {
  uint16_t count = 0;
  uint16_t *kinds = NULL;
  layout->alpha = -1;
  layout->stored = layout->colours;
  if (layout->samples < layout->colours) return CI_CORRUPT;
  if (layout->samples == layout->colours) return CI_OK;
  if (layout->colours == 4) return CI_OK;  // beside inks: spot colours, unsupported
  if (!TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) || count == 0) {
    if (layout->colours != 3 || layout->samples != 4) return CI_RARE_KIND;
    layout->alpha = 3;
  } else if (kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA) {
    layout->alpha = (int)layout->colours;
    layout->is_associated = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
  } else if (layout->colours == 1) {
    return CI_RARE_KIND;  // channels of a microscope: none of them is the image
  }
  if (layout->alpha >= 0) layout->stored += 1;
  return CI_OK;
}

static ci_status read_colours(TIFF *tiff, tiff_layout *layout) {
  uint16_t ink_set = INKSET_CMYK;
  switch (layout->photometric) {
    case PHOTOMETRIC_MINISWHITE: case PHOTOMETRIC_MINISBLACK:
      layout->colours = 1;
      return read_extra_samples(tiff, layout);
    case PHOTOMETRIC_RGB: case PHOTOMETRIC_YCBCR:
      layout->colours = 3;
      return read_extra_samples(tiff, layout);
    case PHOTOMETRIC_SEPARATED:
      TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &ink_set);
      if (ink_set != INKSET_CMYK || (layout->bits != 8 && layout->bits != 16)) return CI_RARE_KIND;
      layout->colours = 4;
      return read_extra_samples(tiff, layout);
    case PHOTOMETRIC_PALETTE:
      layout->colours = 1;
      layout->stored = 3;
      layout->alpha = -1;
      if (layout->samples != 1 || layout->bits > 8) return CI_RARE_KIND;
      return TIFFGetField(tiff, TIFFTAG_COLORMAP, &layout->map[0], &layout->map[1], &layout->map[2])
                 ? CI_OK
                 : CI_CORRUPT;
    default:
      return CI_RARE_KIND;
  }
}

// Maps have 16 bits; old writers used only 8 of them.
static int shift_of_map(const tiff_layout *layout) {
  for (uint32_t index = 0; index < 1u << layout->bits; index += 1) {
    for (int channel = 0; channel < 3; channel += 1) {
      if (layout->map[channel][index] > 255) return 8;
    }
  }
  return 0;
}

// libdeflate stops at a run that does not fit into a strip. libtiff 4.5 then treats the strip as
// complete, with uninitialised memory at its end. zlib writes the whole strip or reports an error.
static void avoid_libdeflate(TIFF *tiff, const tiff_layout *layout) {
#ifdef TIFFTAG_DEFLATE_SUBCODEC
  if (layout->compression == COMPRESSION_ADOBE_DEFLATE ||
      layout->compression == COMPRESSION_DEFLATE) {
    TIFFSetField(tiff, TIFFTAG_DEFLATE_SUBCODEC, DEFLATE_SUBCODEC_ZLIB);
  }
#else
  (void)tiff, (void)layout;
#endif
}

ci_status ci_tiff_read_layout(TIFF *tiff, const ci_limits *limits, tiff_layout *layout) {
  uint16_t planar = PLANARCONFIG_CONTIG, format = SAMPLEFORMAT_UINT;
  memset(layout, 0, sizeof *layout);
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout->height);
  ci_status status = ci_check_size(layout->width, layout->height, limits);
  if (status != CI_OK) return status;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout->compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  if (!ci_tiff_is_read(layout->compression)) return CI_RARE_KIND;
  avoid_libdeflate(tiff, layout);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric)) return CI_CORRUPT;
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) return CI_NO_DECLARED_RANGE;
  if (layout->bits > 16) return CI_NO_DECLARED_RANGE;
  if (layout->bits == 0 || layout->samples == 0) return CI_CORRUPT;
  layout->is_separate = planar == PLANARCONFIG_SEPARATE && layout->samples > 1;
  layout->is_tiled = TIFFIsTiled(tiff);
  layout->out_bits = layout->bits <= 8 ? 8 : 16;
  status = read_colours(tiff, layout);
  if (status != CI_OK) return status;
  if (layout->map[0] != NULL) layout->map_shift = shift_of_map(layout);
  if (layout->photometric == PHOTOMETRIC_YCBCR && layout->compression == COMPRESSION_JPEG) {
    if (layout->is_separate) return CI_RARE_KIND;
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    layout->photometric = PHOTOMETRIC_RGB;
  }
  return CI_OK;
}
