// Decodes WebP with libwebp, in one thread, into our own memory. Only the first frame of an
// animation is decoded.
#include <string.h>
#include <webp/decode.h>

#include "decoder.h"

// A chunk's content; start is NULL if the file has none.
typedef struct webp_part {
  const uint8_t *start;
  size_t length;
} webp_part;

typedef struct webp_file {
  size_t end;  // of the container
  int is_extended;
  uint32_t canvas_width, canvas_height;
  webp_part frame;    // of an animation, the first
  webp_part profile;
  webp_part exif;
  unsigned frames;
} webp_file;

static void note_chunk(webp_file *file, const uint8_t *chunk, size_t length) {
  webp_part part = {chunk + 8, length};
  if (memcmp(chunk, "VP8X", 4) == 0 && length >= 10) {
    file->is_extended = 1;
    file->canvas_width = 1 + ci_little24(part.start + 4);
    file->canvas_height = 1 + ci_little24(part.start + 7);
  } else if (memcmp(chunk, "ICCP", 4) == 0 && file->profile.start == NULL) {
    file->profile = part;
  } else if (memcmp(chunk, "EXIF", 4) == 0 && file->exif.start == NULL) {
    file->exif = part;
  } else if (memcmp(chunk, "ANMF", 4) == 0) {
    if (file->frames == 0) file->frame = part;
    file->frames += 1;
  }
}

// The container: "RIFF", size, "WEBP", and chunks of name, size, content and a padding byte.
static ci_status read_chunks(const uint8_t *bytes, size_t length, webp_file *file) {
  size_t size = ci_little32(bytes + 4);
  if (size < 12) return CI_CORRUPT;
  if (size > length - 8) return CI_TRUNCATED;
  file->end = size + 8;
  size_t offset = 12;
  while (file->end - offset >= 8) {
    size_t content = ci_little32(bytes + offset + 4);
    if (content > file->end - offset - 8) return CI_CORRUPT;
    note_chunk(file, bytes + offset, content);
    size_t step = 8 + content + (content & 1);
    if (step > file->end - offset) break;
    offset += step;
  }
  return CI_OK;
}

static ci_status status_of(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OK: return CI_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return CI_OUT_OF_MEMORY;
    case VP8_STATUS_SUSPENDED: case VP8_STATUS_NOT_ENOUGH_DATA: return CI_TRUNCATED;
    case VP8_STATUS_UNSUPPORTED_FEATURE: return CI_RARE_KIND;
    default: return CI_DAMAGED_PIXELS;
  }
}

// Decodes one image to `place`, `stride` bytes per row.
static ci_status decode_part(
    webp_part part, uint8_t *place, size_t stride, size_t room, int has_alpha) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return CI_RARE_KIND;  // another major version at run time
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = place;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = room;
  ci_status status = status_of(WebPDecode(part.start, part.length, &config));
  WebPFreeDecBuffer(&config.output);
  return status;
}

static ci_status decode_still(
    ci_decoder *decoder, webp_part part, const ci_limits *limits, ci_image *image) {
  WebPBitstreamFeatures features;
  ci_status status = status_of(WebPGetFeatures(part.start, part.length, &features));
  if (status != CI_OK) return status;
  if (features.width <= 0 || features.height <= 0) return CI_CORRUPT;
  status = ci_check_size((uint64_t)features.width, (uint64_t)features.height, limits);
  if (status != CI_OK) return status;
  image->width = (uint32_t)features.width;
  image->height = (uint32_t)features.height;
  image->channels = features.has_alpha ? 4 : 3;
  size_t stride = (size_t)image->width * image->channels;
  status = ci_reserve_samples(decoder, (uint64_t)stride * image->height, limits);
  if (status != CI_OK) return status;
  return decode_part(
      part, decoder->samples, stride, stride * image->height, features.has_alpha);
}

// The first frame at its position on the canvas; the rest of the canvas is transparent.
static ci_status decode_animation(
    ci_decoder *decoder, const webp_file *file, const ci_limits *limits, ci_image *image) {
  enum { header = 16 };
  if (!file->is_extended || file->frame.length < header) return CI_CORRUPT;
  const uint8_t *bytes = file->frame.start;
  uint64_t x = 2 * (uint64_t)ci_little24(bytes), y = 2 * (uint64_t)ci_little24(bytes + 3);
  uint64_t width = 1 + (uint64_t)ci_little24(bytes + 6), height = 1 + (uint64_t)ci_little24(bytes + 9);
  if (x + width > file->canvas_width || y + height > file->canvas_height) return CI_CORRUPT;
  webp_part part = {bytes + header, file->frame.length - header};
  WebPBitstreamFeatures features;
  ci_status status = status_of(WebPGetFeatures(part.start, part.length, &features));
  if (status != CI_OK) return status;
  if ((uint64_t)features.width != width || (uint64_t)features.height != height) return CI_CORRUPT;
  image->width = file->canvas_width;
  image->height = file->canvas_height;
  image->channels = 4;
  size_t stride = (size_t)image->width * 4, room = stride * image->height;
  status = ci_reserve_samples(decoder, room, limits);
  if (status != CI_OK) return status;
  memset(decoder->samples, 0, room);
  size_t place = (size_t)y * stride + (size_t)x * 4;
  return decode_part(part, decoder->samples + place, stride, room - place, 1);
}

ci_status ci_decode_webp(
    ci_decoder *decoder, const uint8_t *bytes, size_t length, const ci_limits *limits,
    ci_image *image) {
  webp_file file;
  memset(&file, 0, sizeof file);
  ci_status status = read_chunks(bytes, length, &file);
  if (status == CI_OK && file.is_extended) {
    status = ci_check_size(file.canvas_width, file.canvas_height, limits);
  }
  if (status != CI_OK) return status;
  webp_part whole = {bytes, file.end};
  status = file.frames > 0 ? decode_animation(decoder, &file, limits, image)
                           : decode_still(decoder, whole, limits, image);
  if (status != CI_OK) return status;
  if (file.exif.start != NULL) {
    // Some programs write the prefix of a JPEG segment before it.
    int is_marked = file.exif.length >= 6 && memcmp(file.exif.start, "Exif\0\0", 6) == 0;
    size_t skip = is_marked ? 6 : 0;
    image->orientation = ci_exif_orientation(file.exif.start + skip, file.exif.length - skip);
  }
  image->samples = decoder->samples;
  image->bits = 8;
  image->has_more = file.frames > 1;
  return ci_keep_profile(decoder, file.profile.start, file.profile.length);
}
