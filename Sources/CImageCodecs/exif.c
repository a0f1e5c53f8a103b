// The one fact of EXIF that changes pixels: orientation. Everything is bounds-checked against
// `length`; offsets come from the file and are hostile.
#include "CImageCodecs.h"

static uint32_t read16(const uint8_t *bytes, int is_little) {
  return is_little ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8
                   : (uint32_t)bytes[1] | (uint32_t)bytes[0] << 8;
}

static uint32_t read32(const uint8_t *bytes, int is_little) {
  return is_little ? read16(bytes, 1) | read16(bytes + 2, 1) << 16
                   : read16(bytes + 2, 0) | read16(bytes, 0) << 16;
}

uint32_t ci_exif_orientation(const uint8_t *tiff, size_t length) {
  enum { header = 8, entry_size = 12, orientation_tag = 0x0112, type_short = 3 };
  if (length < header) return 1;
  int is_little;
  if (tiff[0] == 'I' && tiff[1] == 'I') {
    is_little = 1;
  } else if (tiff[0] == 'M' && tiff[1] == 'M') {
    is_little = 0;
  } else {
    return 1;
  }
  if (read16(tiff + 2, is_little) != 42) return 1;
  size_t directory = read32(tiff + 4, is_little);
  if (directory > length - 2) return 1;
  size_t count = read16(tiff + directory, is_little);
  size_t room = (length - directory - 2) / entry_size;
  if (count > room) count = room;
  for (size_t index = 0; index < count; index += 1) {
    const uint8_t *entry = tiff + directory + 2 + index * entry_size;
    if (read16(entry, is_little) != orientation_tag) continue;
    if (read16(entry + 2, is_little) != type_short) return 1;
    if (read32(entry + 4, is_little) != 1) return 1;
    uint32_t value = read16(entry + 8, is_little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
