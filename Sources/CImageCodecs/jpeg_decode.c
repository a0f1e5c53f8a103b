#include <stdio.h>
// jpeglib.h needs size_t and FILE from the lines above.
#include <jerror.h>
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "icc.h"
#include "jpeg_segments.h"

typedef struct jpeg_source {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  ci_decoder *decoder;
  const ci_limits *limits;
  jpeg_segments segments;
} jpeg_source;

static void fail(j_common_ptr jpeg, ci_status status) {
  jpeg_source *source = jpeg->client_data;
  source->decoder->status = status;
  longjmp(source->decoder->jump, 1);
}

static void on_error(j_common_ptr jpeg) {
  switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
      fail(jpeg, CI_OUT_OF_MEMORY);
      break;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED:
      fail(jpeg, CI_UNSUPPORTED);
      break;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF:
      fail(jpeg, CI_TRUNCATED);
      break;
    case JERR_IMAGE_TOO_BIG:
      fail(jpeg, CI_SIDE_TOO_LONG);
      break;
    default:
      fail(jpeg, CI_CORRUPT);
  }
}

// Whether a warning reports something that affects no pixel.
static int is_harmless(const struct jpeg_error_mgr *errors) {
  switch (errors->msg_code) {
    case JWRN_EXTRANEOUS_DATA: {
      // Stray bytes before a marker. Between segments, and after the last block of a scan, nothing
      // is missing. Before a restart marker, the blocks so far may have lost synchronisation.
      int marker = errors->msg_parm.i[1];
      return marker < 0xd0 || marker > 0xd7;
    }
    case JWRN_ADOBE_XFORM:     // an unknown code in an Adobe segment: treated as no segment
    case JWRN_JFIF_MAJOR:      // a version of JFIF that does not exist
    case JWRN_NOT_SEQUENTIAL:  // progressive parameters in a sequential scan; unused
      return 1;
    default:
      return 0;
  }
}

// A negative level is a warning about the data. After most such warnings libjpeg invents pixels.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0 || is_harmless(jpeg->err)) return;
  fail(jpeg, jpeg->err->msg_code == JWRN_JPEG_EOF ? CI_TRUNCATED : CI_DAMAGED_PIXELS);
}

static void discard_text(j_common_ptr jpeg) { (void)jpeg; }

// Called at least once per pass over a progressive file, before the pass does its work.
static void on_progress(j_common_ptr jpeg) {
  jpeg_source *source = jpeg->client_data;
  uint64_t scans = (uint64_t)source->jpeg.input_scan_number;
  uint64_t pixels = (uint64_t)source->jpeg.image_width * source->jpeg.image_height;
  if (scans > source->limits->scans || scans * pixels > source->limits->scan_pixels) {
    fail(jpeg, CI_TOO_MANY_SCANS);
  }
}

static void *row_of(jpeg_source *source, size_t size) {
  ci_decoder *decoder = source->decoder;
  if (size > decoder->row_capacity) {
    free(decoder->row);
    decoder->row_capacity = 0;
    decoder->row = malloc(size);
    if (decoder->row == NULL) fail((j_common_ptr)&source->jpeg, CI_OUT_OF_MEMORY);
    decoder->row_capacity = size;
  }
  return decoder->row;
}

// a * b / 255, rounded.
static uint8_t product(uint32_t a, uint32_t b) {
  uint32_t t = a * b + 128;
  return (uint8_t)((t + (t >> 8)) >> 8);
}

// CMYK to RGB without a profile: (1 - ink)(1 - black). Adobe writes its CMYK inverted.
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, int is_inverted) {
  uint32_t flip = is_inverted ? 0 : 255;
  for (uint32_t x = 0; x < width; x += 1) {
    uint32_t light = cmyk[4 * x + 3] ^ flip;
    rgb[3 * x] = product(cmyk[4 * x] ^ flip, light);
    rgb[3 * x + 1] = product(cmyk[4 * x + 1] ^ flip, light);
    rgb[3 * x + 2] = product(cmyk[4 * x + 2] ^ flip, light);
  }
}

/// The conversion of the file's own CMYK profile; NULL if it has none.
static const ci_ink_conversion *ink_conversion(jpeg_source *source) {
  return ci_ink_to_srgb(
      source->limits, source->segments.profile, source->segments.profile_length,
      source->jpeg.saw_Adobe_marker);
}

static void read_ink_rows(jpeg_source *source, size_t row_size) {
  j_decompress_ptr jpeg = &source->jpeg;
  uint32_t width = jpeg->output_width;
  uint8_t *ink = row_of(source, (size_t)width * 4);
  const ci_ink_conversion *conversion = ink_conversion(source);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *destination = source->decoder->samples + row_size * jpeg->output_scanline;
    JSAMPROW row = ink;
    if (jpeg_read_scanlines(jpeg, &row, 1) != 1) fail((j_common_ptr)jpeg, CI_TRUNCATED);
    if (conversion != NULL) {
      ci_convert_ink(conversion, ink, destination, width);
    } else {
      rgb_from_cmyk(ink, destination, width, jpeg->saw_Adobe_marker);
    }
  }
}

static void read_rows(jpeg_source *source, size_t row_size) {
  j_decompress_ptr jpeg = &source->jpeg;
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = source->decoder->samples + row_size * jpeg->output_scanline;
    if (jpeg_read_scanlines(jpeg, &row, 1) != 1) fail((j_common_ptr)jpeg, CI_TRUNCATED);
  }
}

static void decode(jpeg_source *source, const uint8_t *bytes, size_t length, ci_image *image) {
  j_decompress_ptr jpeg = &source->jpeg;
  j_common_ptr common = (j_common_ptr)jpeg;
  jpeg_create_decompress(jpeg);
  jpeg->mem->max_memory_to_use = (long)source->limits->memory_bytes;
  source->progress.progress_monitor = on_progress;
  jpeg->progress = &source->progress;
  jpeg_mem_src(jpeg, bytes, length);
  if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK) fail(common, CI_CORRUPT);
  ci_status status = ci_check_size(jpeg->image_width, jpeg->image_height, source->limits);
  if (status != CI_OK) fail(common, status);

  uint32_t channels = 3;
  if (jpeg->num_components == 1) {
    jpeg->out_color_space = JCS_GRAYSCALE;
    channels = 1;
  } else if (jpeg->num_components == 3) {
    jpeg->out_color_space = JCS_RGB;
  } else if (jpeg->num_components == 4) {
    jpeg->out_color_space = JCS_CMYK;
  } else {
    fail(common, CI_UNSUPPORTED);
  }
  jpeg->dct_method = JDCT_ISLOW;
  size_t row_size = (size_t)jpeg->image_width * channels;
  status = ci_reserve_samples(
      source->decoder, (uint64_t)row_size * jpeg->image_height, source->limits);
  if (status != CI_OK) fail(common, status);
  jpeg_start_decompress(jpeg);
  int is_ink = jpeg->out_color_space == JCS_CMYK;
  if (is_ink) {
    read_ink_rows(source, row_size);
  } else {
    read_rows(source, row_size);
  }
  jpeg_finish_decompress(jpeg);  // reads to the end marker, so a truncated file is detected

  image->samples = source->decoder->samples;
  image->width = jpeg->image_width;
  image->height = jpeg->image_height;
  image->channels = channels;
  image->bits = 8;
  if (!is_ink) {
    ci_convert_to_srgb(
        source->limits, source->segments.profile, source->segments.profile_length, image);
  }
}

ci_status ci_decode_jpeg(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  // A fresh decompressor per file: a reused one would decode an image without tables with the
  // tables of the previous image.
  jpeg_source source;
  memset(&source, 0, sizeof source);
  source.decoder = decoder;
  source.limits = limits;
  source.jpeg.client_data = &source;
  source.jpeg.err = jpeg_std_error(&source.errors);
  source.errors.error_exit = on_error;
  source.errors.emit_message = on_message;
  source.errors.output_message = discard_text;
  ci_jpeg_segments_begin(
      &source.segments, bytes, length, limits->colour == CI_COLOUR_SRGB);
  decoder->status = CI_OK;
  if (setjmp(decoder->jump) == 0) {
    decode(&source, bytes, length, image);
    image->orientation = ci_orientation(&source.segments.orientation);
  }
  jpeg_destroy_decompress(&source.jpeg);
  ci_jpeg_segments_end(&source.segments);
  return decoder->status;
}
