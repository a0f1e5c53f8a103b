// Reads the first directory of a TIFF without libtiff. Size and compression are checked before
// libtiff allocates memory or selects a decompressor. A value beyond the end of the file means a
// truncated file here, while libtiff would substitute a default.
#include <string.h>

#include "decoder.h"

enum {
  tag_subfile_type = 254,
  tag_width = 256,
  tag_height = 257,
  tag_compression = 259,
  tag_photometric = 262,
  tag_sub_directories = 330,
  tag_dng_version = 50706,
  photometric_sensor = 32803,
  photometric_linear_raw = 34892,
  reduced_or_mask = 1 | 4,
  pages_looked_at = 16
};

typedef struct tiff_file {
  const uint8_t *bytes;
  size_t length;
  int is_little;
  int is_big;  // 64-bit offsets
} tiff_file;

typedef struct tiff_entry {
  uint32_t tag;
  uint32_t type;
  uint64_t count;
  const uint8_t *value;  // NULL: beyond the end of the file
} tiff_entry;

// A directory's entries, and the offset of the next directory (0: none).
typedef struct tiff_directory {
  size_t entries;
  uint64_t count;
  uint64_t next;
} tiff_directory;

static uint64_t read_number(const tiff_file *file, const uint8_t *bytes, unsigned size) {
  uint64_t value = 0;
  for (unsigned index = 0; index < size; index += 1) {
    value = value << 8 | bytes[file->is_little ? size - 1 - index : index];
  }
  return value;
}

static unsigned size_of_type(uint32_t type) {
  static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < sizeof sizes ? sizes[type] : 0;
}

// Whether `size` bytes at `offset` lie inside the file.
static int is_inside(const tiff_file *file, uint64_t offset, uint64_t size) {
  return offset <= file->length && size <= file->length - offset;
}

static ci_status open_directory(
    const tiff_file *file, uint64_t offset, tiff_directory *directory) {
  unsigned count_size = file->is_big ? 8 : 2;
  unsigned offset_size = file->is_big ? 8 : 4;
  unsigned entry_size = file->is_big ? 20 : 12;
  if (!is_inside(file, offset, count_size)) return CI_TRUNCATED;
  directory->count = read_number(file, file->bytes + offset, count_size);
  directory->entries = (size_t)offset + count_size;
  if (directory->count == 0 || directory->count > 4096) return CI_CORRUPT;
  uint64_t end = directory->entries + directory->count * entry_size;
  if (!is_inside(file, end, 0)) return CI_TRUNCATED;
  // Some writers omit the last link: then nothing follows.
  directory->next =
      is_inside(file, end, offset_size) ? read_number(file, file->bytes + end, offset_size) : 0;
  return CI_OK;
}

static tiff_entry entry_at(const tiff_file *file, const tiff_directory *directory, uint64_t index) {
  unsigned wide = file->is_big ? 8 : 4;
  const uint8_t *bytes = file->bytes + directory->entries + index * (file->is_big ? 20 : 12);
  tiff_entry entry = {
      .tag = (uint32_t)read_number(file, bytes, 2),
      .type = (uint32_t)read_number(file, bytes + 2, 2),
      .count = read_number(file, bytes + 4, wide)};
  unsigned size = size_of_type(entry.type);
  const uint8_t *place = bytes + 4 + wide;
  if (size == 0 || entry.count <= wide / size) {
    entry.value = place;
    return entry;
  }
  uint64_t offset = read_number(file, place, wide);
  int is_whole = entry.count <= file->length / size && is_inside(file, offset, entry.count * size);
  entry.value = is_whole ? file->bytes + offset : NULL;
  return entry;
}

// The first number of an entry of whole numbers.
static uint64_t number_of(const tiff_file *file, const tiff_entry *entry) {
  if (entry->value == NULL || entry->count == 0) return 0;
  switch (entry->type) {
    case 1: case 3: case 4: case 16:
      return read_number(file, entry->value, size_of_type(entry->type));
    default:
      return 0;
  }
}

// Whether pixels depend on this tag (TIFF 6.0; 347: tables of JPEG strips, 34675: colour profile).
static int decides_about_pixels(uint32_t tag) {
  switch (tag) {
    case 256: case 257: case 258: case 259: case 262: case 266: case 273: case 274: case 277:
    case 278: case 279: case 284: case 292: case 293: case 317: case 320: case 322: case 323:
    case 324: case 325: case 332: case 338: case 339: case 347: case 529: case 530: case 532:
    case 34675:
      return 1;
    default:
      return 0;
  }
}

// Whether one of the pages from `next` on is not a thumbnail or a mask.
static int has_full_page(const tiff_file *file, uint64_t first, uint64_t next) {
  for (unsigned hop = 0; next != 0 && next != first && hop < pages_looked_at; hop += 1) {
    tiff_directory directory;
    if (open_directory(file, next, &directory) != CI_OK) return 0;
    uint64_t kind = 0;
    for (uint64_t index = 0; index < directory.count; index += 1) {
      tiff_entry entry = entry_at(file, &directory, index);
      if (entry.tag == tag_subfile_type) kind = number_of(file, &entry);
    }
    if ((kind & reduced_or_mask) == 0) return 1;
    next = directory.next;
  }
  return 0;
}

static ci_status read_entries(
    const tiff_file *file, const tiff_directory *directory, ci_tiff_facts *facts) {
  int is_reduced = 0;
  int has_sub_directories = 0;
  for (uint64_t index = 0; index < directory->count; index += 1) {
    tiff_entry entry = entry_at(file, directory, index);
    if (entry.value == NULL && decides_about_pixels(entry.tag)) return CI_TRUNCATED;
    uint64_t number = number_of(file, &entry);
    switch (entry.tag) {
      case tag_width: facts->width = number; break;
      case tag_height: facts->height = number; break;
      case tag_compression: facts->compression = (uint32_t)number; break;
      case tag_photometric: facts->photometric = (uint32_t)number; break;
      case tag_subfile_type: is_reduced = number & 1; break;
      case tag_sub_directories: has_sub_directories = 1; break;
      case tag_dng_version: facts->is_camera_raw = 1; break;
      default: break;
    }
  }
  // Cameras store a small preview first and the sensor data in a sub-directory.
  if (is_reduced && has_sub_directories) facts->is_camera_raw = 1;
  if (facts->photometric == photometric_sensor || facts->photometric == photometric_linear_raw) {
    facts->is_camera_raw = 1;
  }
  return CI_OK;
}

ci_status ci_tiff_inspect(const uint8_t *bytes, size_t length, ci_tiff_facts *facts) {
  memset(facts, 0, sizeof *facts);
  facts->compression = 1;
  if (length < 8) return CI_TRUNCATED;
  tiff_file file = {.bytes = bytes, .length = length, .is_little = bytes[0] == 'I'};
  file.is_big = read_number(&file, bytes + 2, 2) == 43;
  if (file.is_big && length < 16) return CI_TRUNCATED;
  // BigTIFF declares the width of its offsets, followed by a zero.
  if (file.is_big && read_number(&file, bytes + 4, 4) != (file.is_little ? 8 : 0x80000)) {
    return CI_CORRUPT;
  }
  uint64_t first = file.is_big ? read_number(&file, bytes + 8, 8) : read_number(&file, bytes + 4, 4);
  if (!file.is_big && length >= 10 && bytes[8] == 'C' && bytes[9] == 'R') facts->is_camera_raw = 1;
  tiff_directory directory;
  ci_status status = open_directory(&file, first, &directory);
  if (status == CI_OK) status = read_entries(&file, &directory, facts);
  if (status == CI_OK) facts->has_more_pages = has_full_page(&file, first, directory.next);
  return status;
}
