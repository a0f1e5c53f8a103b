// Orientation, the only EXIF field that affects pixels. Everything is bounds-checked against
// `length`; offsets come from the file and are hostile.
#include "CImageCodecs.h"
#include "metadata.h"

static uint32_t read16(const uint8_t *bytes, int is_little) {
  return is_little ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8
                   : (uint32_t)bytes[1] | (uint32_t)bytes[0] << 8;
}

static uint32_t read32(const uint8_t *bytes, int is_little) {
  return is_little ? read16(bytes, 1) | read16(bytes + 2, 1) << 16
                   : read16(bytes + 2, 0) | read16(bytes, 0) << 16;
}

static uint64_t read64(const uint8_t *bytes, int is_little) {
  uint64_t first = read32(bytes, is_little);
  uint64_t second = read32(bytes + 4, is_little);
  return is_little ? first | second << 32 : second | first << 32;
}

/// The `size` bytes at the offset in an entry's value field; NULL if they lie outside.
static const uint8_t *bytes_elsewhere(
    const uint8_t *tiff, size_t length, const uint8_t *entry, size_t size, int is_little) {
  size_t offset = read32(entry + 8, is_little);
  return offset <= length && size <= length - offset ? tiff + offset : NULL;
}

/// The whole number in an entry, or 0 if it has none. Writers use many types for it, and readers
/// compare values, not types.
static uint64_t whole_number(
    const uint8_t *tiff, size_t length, const uint8_t *entry, int is_little) {
  enum { u16 = 3, u32 = 4, ratio = 5, s8 = 6, s16 = 8, s32 = 9, ifd = 13, u64 = 16, s64 = 17 };
  switch (read16(entry + 2, is_little)) {
    case s8:
      return entry[8];
    case u16:
    case s16:
      return read16(entry + 8, is_little);
    case u32:
    case s32:
    case ifd:
      return read32(entry + 8, is_little);
    case u64:
    case s64: {
      const uint8_t *value = bytes_elsewhere(tiff, length, entry, 8, is_little);
      return value == NULL ? 0 : read64(value, is_little);
    }
    case ratio: {
      const uint8_t *value = bytes_elsewhere(tiff, length, entry, 8, is_little);
      if (value == NULL) return 0;
      uint32_t numerator = read32(value, is_little);
      uint32_t denominator = read32(value + 4, is_little);
      return denominator != 0 && numerator % denominator == 0 ? numerator / denominator : 0;
    }
    default:
      return 0;
  }
}

uint32_t ci_stated_orientation(const uint8_t *tiff, size_t length) {
  enum { header = 8, entry_size = 12, orientation_tag = 0x0112 };
  if (length < header) return 0;
  int is_little;
  if (tiff[0] == 'I' && tiff[1] == 'I') {
    is_little = 1;
  } else if (tiff[0] == 'M' && tiff[1] == 'M') {
    is_little = 0;
  } else {
    return 0;
  }
  // 42; some writers store it in the wrong byte order.
  if (read16(tiff + 2, is_little) != 42 && read16(tiff + 2, !is_little) != 42) return 0;
  size_t directory = read32(tiff + 4, is_little);
  if (directory > length - 2) return 0;
  size_t count = read16(tiff + directory, is_little);
  size_t room = (length - directory - 2) / entry_size;
  if (count > room) count = room;
  for (size_t index = 0; index < count; index += 1) {
    const uint8_t *entry = tiff + directory + 2 + index * entry_size;
    if (read16(entry, is_little) != orientation_tag) continue;
    if (read32(entry + 4, is_little) == 0) return 0;
    uint64_t value = whole_number(tiff, length, entry, is_little);
    return value >= 1 && value <= 8 ? (uint32_t)value : 1;
  }
  return 0;
}

uint32_t ci_exif_orientation(const uint8_t *tiff, size_t length) {
  uint32_t stated = ci_stated_orientation(tiff, length);
  return stated == 0 ? 1 : stated;
}
