#include <stdio.h>
// jpeglib.h needs size_t and FILE from the lines above.
#include <jerror.h>
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

typedef struct jpeg_source {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  ci_decoder *decoder;
  const ci_limits *limits;
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

// A negative level is a warning about the data: libjpeg would go on and invent pixels.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  fail(jpeg, jpeg->err->msg_code == JWRN_JPEG_EOF ? CI_TRUNCATED : CI_CORRUPT);
}

static void discard_text(j_common_ptr jpeg) { (void)jpeg; }

// Called at least once per pass over a progressive file, before its work is done.
static void on_progress(j_common_ptr jpeg) {
  jpeg_source *source = jpeg->client_data;
  uint64_t scans = (uint64_t)source->jpeg.input_scan_number;
  uint64_t pixels = (uint64_t)source->jpeg.image_width * source->jpeg.image_height;
  if (scans > source->limits->scans || scans * pixels > source->limits->scan_pixels) {
    fail(jpeg, CI_TOO_MANY_SCANS);
  }
}

// The first Exif APP1 before the first scan.
static uint32_t find_orientation(const uint8_t *bytes, size_t length) {
  size_t offset = 2;
  while (offset < length && length - offset >= 4) {
    if (bytes[offset] != 0xff) return 1;
    uint8_t marker = bytes[offset + 1];
    if (marker == 0xff) {  // fill byte
      offset += 1;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return 1;
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {  // no length follows
      offset += 2;
      continue;
    }
    size_t size = (size_t)bytes[offset + 2] << 8 | bytes[offset + 3];
    if (size < 2 || size > length - offset - 2) return 1;
    const uint8_t *content = bytes + offset + 4;
    if (marker == 0xe1 && size >= 8 && memcmp(content, "Exif\0\0", 6) == 0) {
      return ci_exif_orientation(content + 6, size - 8);
    }
    offset += 2 + size;
  }
  return 1;
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

// Ink to light without a profile: (1 - ink)(1 - black). Adobe writes its CMYK inverted.
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, int is_inverted) {
  uint32_t flip = is_inverted ? 0 : 255;
  for (uint32_t x = 0; x < width; x += 1) {
    uint32_t light = cmyk[4 * x + 3] ^ flip;
    rgb[3 * x] = product(cmyk[4 * x] ^ flip, light);
    rgb[3 * x + 1] = product(cmyk[4 * x + 1] ^ flip, light);
    rgb[3 * x + 2] = product(cmyk[4 * x + 2] ^ flip, light);
  }
}

static void read_rows(jpeg_source *source, size_t row_size) {
  j_decompress_ptr jpeg = &source->jpeg;
  uint8_t *samples = source->decoder->samples;
  int is_cmyk = jpeg->out_color_space == JCS_CMYK;
  uint8_t *ink = is_cmyk ? row_of(source, (size_t)jpeg->output_width * 4) : NULL;
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *destination = samples + row_size * jpeg->output_scanline;
    JSAMPROW row = is_cmyk ? ink : destination;
    if (jpeg_read_scanlines(jpeg, &row, 1) != 1) fail((j_common_ptr)jpeg, CI_TRUNCATED);
    if (is_cmyk) rgb_from_cmyk(ink, destination, jpeg->output_width, jpeg->saw_Adobe_marker);
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
  read_rows(source, row_size);
  jpeg_finish_decompress(jpeg);  // reads on to the end marker, so a cut file is noticed

  image->samples = source->decoder->samples;
  image->width = jpeg->image_width;
  image->height = jpeg->image_height;
  image->channels = channels;
  image->bits = 8;
}

ci_status ci_decode_jpeg(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  // A fresh decompressor per file: a kept one would decode an image without tables by means of
  // the tables of the image before it.
  jpeg_source source;
  memset(&source, 0, sizeof source);
  source.decoder = decoder;
  source.limits = limits;
  source.jpeg.client_data = &source;
  source.jpeg.err = jpeg_std_error(&source.errors);
  source.errors.error_exit = on_error;
  source.errors.emit_message = on_message;
  source.errors.output_message = discard_text;
  decoder->status = CI_OK;
  if (setjmp(decoder->jump) == 0) {
    decode(&source, bytes, length, image);
    image->orientation = find_orientation(bytes, length);
  }
  jpeg_destroy_decompress(&source.jpeg);
  return decoder->status;
}
