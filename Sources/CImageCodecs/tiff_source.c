// The TIFF in memory that libtiff reads. Its handlers only count: nothing jumps, so nothing leaks,
// and nothing is printed.
#include <stdarg.h>
#include <string.h>

#include "tiff_decode.h"

// Per-file options exist since libtiff 4.5.
#if TIFFLIB_VERSION >= 20221213 && !defined(FIGMENT_OLD_LIBTIFF)
#define HAS_OPTIONS 1
#else
#define HAS_OPTIONS 0
#endif

static tmsize_t read_bytes(thandle_t handle, void *destination, tmsize_t size) {
  tiff_source *source = (tiff_source *)handle;
  if (size <= 0 || source->offset > source->length) return 0;
  size_t count = source->length - source->offset;
  if (count > (size_t)size) count = (size_t)size;
  memcpy(destination, source->bytes + source->offset, count);
  source->offset += count;
  return (tmsize_t)count;
}

static tmsize_t refuse_to_write(thandle_t handle, void *bytes, tmsize_t size) {
  (void)handle, (void)bytes, (void)size;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int from) {
  tiff_source *source = (tiff_source *)handle;
  if (from == SEEK_CUR) offset += source->offset;
  if (from == SEEK_END) offset += source->length;
  source->offset = offset > source->length ? source->length : (size_t)offset;
  return source->offset;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) { return ((tiff_source *)handle)->length; }

// libtiff then decodes from our bytes in place; it copies bytes that it must change.
static int map_bytes(thandle_t handle, void **base, toff_t *size) {
  tiff_source *source = (tiff_source *)handle;
  *base = (void *)(uintptr_t)source->bytes;
  *size = source->length;
  return 1;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size) {
  (void)handle, (void)base, (void)size;
}

// Warnings that affect no pixel.
static int is_harmless(const char *format) {
  static const char *const beginnings[] = {
      "Old-style LZW codes", "JPEG strip size exceeds expected", "Discarding "};
  for (size_t index = 0; index < sizeof beginnings / sizeof beginnings[0]; index += 1) {
    if (strncmp(format, beginnings[index], strlen(beginnings[index])) == 0) return 1;
  }
  return 0;
}

static void note_error(tiff_source *source) {
  if (source != NULL) source->errors += 1;
}

static void note_warning(tiff_source *source, const char *format) {
  if (source != NULL && source->is_decoding && !is_harmless(format)) source->warnings += 1;
}

#if HAS_OPTIONS

static int on_error(
    TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)module, (void)format, (void)arguments;
  note_error(user);
  return 1;
}

static int on_warning(
    TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)module, (void)arguments;
  note_warning(user, format);
  return 1;
}

static const uint64_t own_memory = 1 << 20;

TIFF *ci_tiff_open(tiff_source *source) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (options == NULL) return NULL;
  // Its field tables need some memory, whatever the limit of the image is.
  uint64_t most = source->limits->memory_bytes;
  if (most < own_memory) most = own_memory;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)most);
#if TIFFLIB_VERSION >= 20240911
  TIFFOpenOptionsSetMaxCumulatedMemAlloc(options, (tmsize_t)most);
#endif
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, source);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, source);
  TIFF *tiff = TIFFClientOpenExt(
      "memory", "r", (thandle_t)source, read_bytes, refuse_to_write, seek, close_nothing, size_of,
      map_bytes, unmap_nothing, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

#else

static void on_error(
    thandle_t handle, const char *module, const char *format, va_list arguments) {
  (void)module, (void)format, (void)arguments;
  note_error((tiff_source *)handle);
}

static void on_warning(
    thandle_t handle, const char *module, const char *format, va_list arguments) {
  (void)module, (void)arguments;
  note_warning((tiff_source *)handle, format);
}

// The handlers are global to the process; every decode sets the same ones.
TIFF *ci_tiff_open(tiff_source *source) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  TIFFSetErrorHandlerExt(on_error);
  TIFFSetWarningHandlerExt(on_warning);
  return TIFFClientOpen(
      "memory", "r", (thandle_t)source, read_bytes, refuse_to_write, seek, close_nothing, size_of,
      map_bytes, unmap_nothing);
}

#endif
