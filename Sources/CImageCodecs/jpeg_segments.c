#include "jpeg_segments.h"

#include <stdlib.h>
#include <string.h>

#include "icc.h"

/// Parts of a profile, by their numbers 1...255.
typedef struct profile_parts {
  const uint8_t *bytes[256];
  size_t sizes[256];
  uint8_t count;   // as the parts declare
  int is_unusable;  // they contradict each other
} profile_parts;

static int begins(const uint8_t *content, size_t size, const char *prefix, size_t prefix_size) {
  return size >= prefix_size && memcmp(content, prefix, prefix_size) == 0;
}

static void note_part(profile_parts *parts, const uint8_t *content, size_t size) {
  if (size < 2) return;
  uint8_t number = content[0];
  if (number == 0 || parts->bytes[number] != NULL ||
      (parts->count != 0 && parts->count != content[1])) {
    parts->is_unusable = 1;
    return;
  }
  parts->count = content[1];
  parts->bytes[number] = content + 2;
  parts->sizes[number] = size - 2;
}

/// Joins the parts in order. A profile with a missing part is ignored.
static void join(jpeg_segments *segments, const profile_parts *parts) {
  if (parts->is_unusable || parts->count == 0) return;
  size_t length = 0;
  for (size_t number = 1; number <= parts->count; number += 1) {
    if (parts->bytes[number] == NULL) return;
    length += parts->sizes[number];
  }
  if (length == 0 || length > ci_profile_limit) return;
  segments->profile = malloc(length);
  if (segments->profile == NULL) return;
  for (size_t number = 1; number <= parts->count; number += 1) {
    memcpy(
        segments->profile + segments->profile_length, parts->bytes[number], parts->sizes[number]);
    segments->profile_length += parts->sizes[number];
  }
}

static void read_segment(
    jpeg_segments *segments, profile_parts *parts, uint8_t marker, const uint8_t *content,
    size_t size) {
  static const char exif[] = "Exif\0";  // plus the zero byte that ends the constant
  static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
  static const char icc[] = "ICC_PROFILE";
  if (marker == 0xe1 && begins(content, size, exif, sizeof exif)) {
    ci_note_exif(&segments->orientation, content, size);
  } else if (marker == 0xe1 && begins(content, size, xmp, sizeof xmp)) {
    ci_note_xmp(&segments->orientation, content + sizeof xmp, size - sizeof xmp);
  } else if (marker == 0xe2 && begins(content, size, icc, sizeof icc)) {
    note_part(parts, content + sizeof icc, size - sizeof icc);
  }
}

void ci_jpeg_segments_begin(
    jpeg_segments *segments, const uint8_t *bytes, size_t length, int wants_profile) {
  memset(segments, 0, sizeof *segments);
  profile_parts parts = {0};
  size_t offset = 2;
  // Like the library: bytes between segments that do not start a segment are skipped.
  while (offset < length && length - offset >= 4) {
    uint8_t marker = bytes[offset + 1];
    if (bytes[offset] != 0xff || marker == 0xff || marker == 0) {
      offset += 1;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {  // no length follows
      offset += 2;
      continue;
    }
    size_t size = (size_t)bytes[offset + 2] << 8 | bytes[offset + 3];
    if (size < 2) size = 2;  // as the library treats a length that is too short
    if (size > length - offset - 2) break;
    read_segment(segments, &parts, marker, bytes + offset + 4, size - 2);
    offset += 2 + size;
  }
  if (wants_profile) join(segments, &parts);
}

void ci_jpeg_segments_end(jpeg_segments *segments) {
  free(segments->profile);
  segments->profile = NULL;
}
