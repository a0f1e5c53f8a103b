#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CImageCodecs.h"

typedef struct png_sink {
  jmp_buf jump;
  ci_status status;
  uint8_t *bytes;
  size_t length;
  size_t capacity;
  png_structp png;
  png_infop info;
} png_sink;

static void on_error(png_structp png, png_const_charp message) {
  (void)message;
  png_sink *sink = png_get_error_ptr(png);
  if (sink->status == CI_OK) sink->status = CI_UNSUPPORTED;
  longjmp(sink->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message) { png_error(png, message); }

static void write_bytes(png_structp png, png_bytep source, size_t size) {
  png_sink *sink = png_get_io_ptr(png);
  if (size > sink->capacity - sink->length) {
    size_t capacity = sink->capacity * 2 + size + 1024;
    uint8_t *grown = realloc(sink->bytes, capacity);
    if (grown == NULL) {
      sink->status = CI_OUT_OF_MEMORY;
      png_error(png, "out of memory");
    }
    sink->bytes = grown;
    sink->capacity = capacity;
  }
  memcpy(sink->bytes + sink->length, source, size);
  sink->length += size;
}

static void flush_bytes(png_structp png) { (void)png; }

static void set_text(png_sink *sink, const ci_text *text) {
  png_text entry;
  memset(&entry, 0, sizeof entry);
  // libpng takes non-const pointers and only reads them.
  entry.key = (png_charp)(uintptr_t)text->keyword;
  entry.text = (png_charp)(uintptr_t)text->value;
  entry.text_length = text->is_international ? 0 : strlen(text->value);
  entry.itxt_length = text->is_international ? strlen(text->value) : 0;
  entry.compression = text->is_international ? PNG_ITXT_COMPRESSION_NONE
                                             : PNG_TEXT_COMPRESSION_NONE;
  png_set_text(sink->png, sink->info, &entry, 1);
}

static void encode(
    png_sink *sink, const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels,
    const ci_text *texts, size_t text_count) {
  static const int color_types[5] = {
      0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
      PNG_COLOR_TYPE_RGB_ALPHA};
  sink->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, sink, on_error, on_warning);
  if (sink->png == NULL) return;
  sink->info = png_create_info_struct(sink->png);
  if (sink->info == NULL) png_error(sink->png, "out of memory");
  png_set_write_fn(sink->png, sink, write_bytes, flush_bytes);
  png_set_IHDR(
      sink->png, sink->info, width, height, 8, color_types[channels], PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  for (size_t index = 0; index < text_count; index += 1) set_text(sink, &texts[index]);
  png_write_info(sink->png, sink->info);
  for (uint32_t y = 0; y < height; y += 1) {
    png_write_row(sink->png, samples + (size_t)y * width * channels);
  }
  png_write_end(sink->png, NULL);
}

ci_status ci_png_encode(
    const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels,
    const ci_text *texts, size_t text_count, uint8_t **bytes, size_t *length) {
  if (channels < 1 || channels > 4) return CI_UNSUPPORTED;
  png_sink *sink = calloc(1, sizeof(png_sink));
  if (sink == NULL) return CI_OUT_OF_MEMORY;
  if (setjmp(sink->jump) == 0) {
    encode(sink, samples, width, height, channels, texts, text_count);
    if (sink->png == NULL) sink->status = CI_OUT_OF_MEMORY;
  }
  png_destroy_write_struct(&sink->png, &sink->info);
  ci_status status = sink->status;
  if (status == CI_OK) {
    *bytes = sink->bytes;
    *length = sink->length;
  } else {
    free(sink->bytes);
  }
  free(sink);
  return status;
}

void ci_free(void *memory) { free(memory); }
