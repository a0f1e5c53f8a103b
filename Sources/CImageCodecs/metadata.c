#define _GNU_SOURCE  // memmem

#include "metadata.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "CImageCodecs.h"

size_t ci_inflate(const uint8_t *input, size_t length, uint8_t *output, size_t capacity) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (length > UINT32_MAX || capacity > UINT32_MAX || inflateInit(&stream) != Z_OK) return 0;
  stream.next_in = (Bytef *)(uintptr_t)input;  // zlib only reads it
  stream.avail_in = (uInt)length;
  stream.next_out = output;
  stream.avail_out = (uInt)capacity;
  inflate(&stream, Z_FINISH);
  size_t written = capacity - stream.avail_out;
  inflateEnd(&stream);
  return written;
}

void ci_note_exif(ci_orientation_finding *finding, const uint8_t *bytes, size_t length) {
  static const uint8_t prefix[6] = {'E', 'x', 'i', 'f', 0, 0};
  // Some programs write the prefix of a JPEG segment into other containers, some of them twice.
  for (int count = 0; count < 2; count += 1) {
    if (length < sizeof prefix || memcmp(bytes, prefix, sizeof prefix) != 0) break;
    bytes += sizeof prefix;
    length -= sizeof prefix;
  }
  if (finding->exif == 0) finding->exif = ci_stated_orientation(bytes, length);
}

void ci_note_xmp(ci_orientation_finding *finding, const uint8_t *bytes, size_t length) {
  static const char name[] = "tiff:Orientation";
  const size_t size = sizeof name - 1;
  if (finding->xmp != 0) return;
  const uint8_t *end = bytes + length;
  while (length > 0) {
    const uint8_t *place = memmem(bytes, length, name, size);
    if (place == NULL) return;
    const uint8_t *value = place + size;
    // An attribute: tiff:Orientation="6". An element: <tiff:Orientation>6</tiff:Orientation>.
    if (end - value >= 3 && value[0] == '=' && (value[1] == '"' || value[1] == '\'')) {
      value += 2;
    } else if (end - value >= 2 && value[0] == '>') {
      value += 1;
    } else {
      value = end;
    }
    if (value < end && *value >= '0' && *value <= '9') {
      finding->xmp = *value >= '1' && *value <= '8' ? (uint32_t)(*value - '0') : 1;
      return;
    }
    bytes = place + size;
    length = (size_t)(end - bytes);
  }
}

static int hexadecimal(uint8_t digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// Decodes hexadecimal `text` to bytes; line ends and blanks are skipped.
static size_t read_hexadecimal(const uint8_t *text, size_t length, uint8_t *bytes) {
  size_t count = 0;
  int high = -1;
  for (size_t index = 0; index < length; index += 1) {
    int digit = hexadecimal(text[index]);
    if (digit < 0) {
      if (text[index] == '\n' || text[index] == '\r' || text[index] == ' ') continue;
      break;
    }
    if (high < 0) {
      high = digit;
    } else {
      bytes[count] = (uint8_t)(high << 4 | digit);
      count += 1;
      high = -1;
    }
  }
  return count;
}

void ci_note_raw_profile(ci_orientation_finding *finding, const uint8_t *text, size_t length) {
  static const char xmp[] = "http://ns.adobe.com/xap/1.0/";  // plus the zero byte after it
  if (length > ci_text_limit) return;
  // The first three lines: empty, the name, the number of bytes.
  for (int line = 0; line < 3; line += 1) {
    const uint8_t *end = length > 0 ? memchr(text, '\n', length) : NULL;
    if (end == NULL) return;
    length -= (size_t)(end + 1 - text);
    text = end + 1;
  }
  uint8_t *bytes = malloc(length / 2 + 1);
  if (bytes == NULL) return;
  size_t count = read_hexadecimal(text, length, bytes);
  if (count > sizeof xmp && memcmp(bytes, xmp, sizeof xmp) == 0) {
    ci_note_xmp(finding, bytes + sizeof xmp, count - sizeof xmp);
  } else {
    ci_note_exif(finding, bytes, count);
  }
  free(bytes);
}

uint32_t ci_orientation(const ci_orientation_finding *finding) {
  if (finding->exif != 0) return finding->exif;
  return finding->xmp != 0 ? finding->xmp : 1;
}
