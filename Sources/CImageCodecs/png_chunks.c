#include "png_chunks.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "icc.h"

enum { signature_size = 8, frame_size = 12, palette_kind = 3 };

/// The most orientation texts that are read per file, because decompression takes time.
enum { text_count_limit = 16 };

static const uint8_t end_chunk[frame_size] = {0,   0,   0,    0,    'I',  'E',
                                              'N', 'D', 0xae, 0x42, 0x60, 0x82};

static uint32_t big_endian32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big_endian32(uint8_t *bytes, uint32_t value) {
  for (int index = 0; index < 4; index += 1) bytes[index] = (uint8_t)(value >> (24 - 8 * index));
}

typedef struct chunk {
  const uint8_t *start;  // of the length field
  const uint8_t *body;
  size_t size;           // of its body
} chunk;

static int is_named(const chunk *chunk, const char *name) {
  return memcmp(chunk->start + 4, name, 4) == 0;
}

static int has_right_checksum(const chunk *chunk) {
  uLong sum = crc32(0, chunk->start + 4, 4);
  // crc32 takes a 32-bit length; a chunk's has at most 31 bits, or it would not fit the file.
  sum = crc32(sum, chunk->body, (uInt)chunk->size);
  return sum == big_endian32(chunk->body + chunk->size);
}

/// Finds the chunk at `offset`; returns 0 if it does not fit the file.
static int chunk_at(const png_chunks *chunks, size_t offset, chunk *found) {
  size_t left = chunks->length - offset;
  if (left < frame_size) return 0;
  found->start = chunks->bytes + offset;
  found->body = found->start + 8;
  found->size = big_endian32(found->start);
  return found->size <= 0x7fffffff && found->size <= left - frame_size;
}

static size_t end_of(const png_chunks *chunks, const chunk *chunk) {
  return (size_t)(chunk->body + chunk->size - chunks->bytes) + 4;
}

/// Whether the library must see a chunk. A critical chunk begins with an upper-case letter; a byte
/// that is no letter is damage, which the library reports.
static int is_read(const png_chunks *chunks, const uint8_t *name) {
  if (memcmp(name, "PLTE", 4) == 0) return chunks->colour_type == palette_kind;
  for (int index = 0; index < 4; index += 1) {
    int letter = name[index] | 0x20;
    if (letter < 'a' || letter > 'z') return 1;
  }
  return (name[0] & 0x20) == 0;
}

/// Writes a corrected copy of the tRNS chunk `found`: entries beyond the palette belong to no
/// colour, and of a sample only the bits of the image's depth count (PNG 11.3.2.1).
static void set_transparency(png_chunks *chunks, const chunk *found, size_t palette_count) {
  uint8_t *body = chunks->transparency + 8;
  size_t size = 0;
  if (chunks->colour_type == palette_kind) {
    size = found->size < palette_count ? found->size : palette_count;
    memcpy(body, found->body, size);
  } else if (chunks->colour_type == 0 || chunks->colour_type == 2) {
    size = chunks->colour_type == 0 ? 2 : 6;
    if (found->size < size) return;  // names no colour: treated as no chunk
    // A depth above 16 is invalid: the library refuses the file.
    uint32_t mask = chunks->depth < 16 ? (1u << chunks->depth) - 1 : 0xffff;
    for (size_t index = 0; index < size; index += 2) {
      body[index] = found->body[index] & (uint8_t)(mask >> 8);
      body[index + 1] = found->body[index + 1] & (uint8_t)mask;
    }
  }
  if (size == 0) return;
  if (!has_right_checksum(found)) chunks->has_wrong_checksum = 1;
  put_big_endian32(chunks->transparency, (uint32_t)size);
  memcpy(chunks->transparency + 4, "tRNS", 4);
  put_big_endian32(body + size, (uint32_t)crc32(0, chunks->transparency + 4, (uInt)size + 4));
  chunks->transparency_size = frame_size + size;
  chunks->is_transparency_due = 1;
}

/// iCCP: a name, a zero byte, a zero byte for the method, the compressed profile.
static void read_profile(png_chunks *chunks, const chunk *found) {
  const uint8_t *name_end = memchr(found->body, 0, found->size < 80 ? found->size : 80);
  if (name_end == NULL || !has_right_checksum(found)) return;
  size_t left = found->size - (size_t)(name_end - found->body);
  if (left < 3 || name_end[1] != 0) return;
  const uint8_t *packed = name_end + 2;
  left -= 2;
  // The profile begins with its own length.
  uint8_t head[128];
  if (ci_inflate(packed, left, head, sizeof head) != sizeof head) return;
  size_t size = big_endian32(head);
  if (size < sizeof head || size > ci_profile_limit) return;
  chunks->profile = malloc(size);
  if (chunks->profile == NULL) return;
  chunks->profile_length = ci_inflate(packed, left, chunks->profile, size);
}

/// The text of a tEXt, zTXt or iTXt chunk after its keyword; NULL if there is none. Decompressed
/// text lies in `*memory`, which the caller frees.
static const uint8_t *text_of(
    const chunk *found, size_t keyword_size, size_t *length, uint8_t **memory) {
  const uint8_t *text = found->body + keyword_size + 1;
  size_t left = found->size - keyword_size - 1;
  int is_packed = is_named(found, "zTXt");
  if (is_packed) {  // method 0
    if (left < 1 || text[0] != 0) return NULL;
    text += 1;
    left -= 1;
  } else if (is_named(found, "iTXt")) {  // flag, method, language 0, keyword 0
    if (left < 2) return NULL;
    is_packed = text[0] != 0;
    if (is_packed && text[1] != 0) return NULL;
    text += 2;
    left -= 2;
    for (int field = 0; field < 2; field += 1) {
      const uint8_t *end = left > 0 ? memchr(text, 0, left) : NULL;
      if (end == NULL) return NULL;
      left -= (size_t)(end + 1 - text);
      text = end + 1;
    }
  }
  *length = left;
  if (!is_packed) return text;
  *memory = malloc(ci_text_limit);
  if (*memory == NULL) return NULL;
  *length = ci_inflate(text, left, *memory, ci_text_limit);
  return *memory;
}

static void read_text(png_chunks *chunks, const chunk *found, int *count) {
  static const char *const raw[] = {"Raw profile type exif", "Raw profile type APP1"};
  static const char xmp[] = "XML:com.adobe.xmp";
  const uint8_t *end = found->size > 0 ? memchr(found->body, 0, found->size < 80 ? found->size : 80)
                                       : NULL;
  if (end == NULL) return;
  size_t size = (size_t)(end - found->body);
  int is_xmp = size == sizeof xmp - 1 && memcmp(found->body, xmp, size) == 0;
  int is_raw = 0;
  for (size_t index = 0; index < 2; index += 1) {
    if (size == strlen(raw[index]) && memcmp(found->body, raw[index], size) == 0) is_raw = 1;
  }
  if ((!is_xmp && !is_raw) || *count >= text_count_limit || !has_right_checksum(found)) return;
  *count += 1;
  uint8_t *memory = NULL;
  size_t length = 0;
  const uint8_t *text = text_of(found, size, &length, &memory);
  if (text != NULL && is_xmp) ci_note_xmp(&chunks->orientation, text, length);
  if (text != NULL && is_raw) ci_note_raw_profile(&chunks->orientation, text, length);
  free(memory);
}

void ci_png_chunks_begin(
    png_chunks *chunks, const uint8_t *bytes, size_t length, int wants_profile) {
  memset(chunks, 0, sizeof *chunks);
  chunks->bytes = bytes;
  chunks->length = length;
  chunks->depth = length > 24 ? bytes[24] : 0;
  chunks->colour_type = length > 25 ? bytes[25] : 0;
  chunk found, transparency = {0};
  size_t palette_count = 0, exif_count = 0;
  int has_pixels = 0, text_count = 0;
  ci_orientation_finding from_exif = {0};
  size_t offset = signature_size;
  chunks->is_cut = 1;
  while (chunk_at(chunks, offset, &found)) {
    if (is_named(&found, "IEND")) {
      chunks->is_cut = 0;
      break;
    }
    if (is_named(&found, "IDAT")) {
      has_pixels = 1;
    } else if (is_named(&found, "PLTE")) {
      palette_count = found.size / 3;
    } else if (is_named(&found, "tRNS") && !has_pixels && transparency.start == NULL) {
      transparency = found;
    } else if (is_named(&found, "iCCP") && wants_profile && chunks->profile == NULL) {
      read_profile(chunks, &found);
    } else if (is_named(&found, "eXIf") && exif_count < text_count_limit) {
      exif_count += 1;
      if (has_right_checksum(&found)) ci_note_exif(&from_exif, found.body, found.size);
    } else if (is_named(&found, "tEXt") || is_named(&found, "zTXt") || is_named(&found, "iTXt")) {
      read_text(chunks, &found, &text_count);
    }
    offset = end_of(chunks, &found);
  }
  // An eXIf chunk takes precedence over EXIF embedded in text.
  if (from_exif.exif != 0) chunks->orientation.exif = from_exif.exif;
  size_t most = (size_t)1 << (chunks->depth < 8 ? chunks->depth : 8);
  if (palette_count > most) palette_count = most;
  if (transparency.start != NULL) set_transparency(chunks, &transparency, palette_count);
  // The signature and the header, unchanged.
  chunks->piece = bytes;
  chunks->piece_left = chunk_at(chunks, signature_size, &found) ? end_of(chunks, &found) : length;
  chunks->next = chunks->piece_left;
}

void ci_png_chunks_end(png_chunks *chunks) {
  free(chunks->profile);
  chunks->profile = NULL;
}

/// Finds the next bytes for the library; returns 0 if there are none.
static int find_piece(png_chunks *chunks) {
  chunk found;
  while (chunk_at(chunks, chunks->next, &found)) {
    if (is_named(&found, "IEND")) {
      // Its content is not read, so it cannot be wrong.
      chunks->piece = end_chunk;
      chunks->piece_left = sizeof end_chunk;
      chunks->next = chunks->length;
      return 1;
    }
    if (is_named(&found, "IDAT") && chunks->is_transparency_due) {
      chunks->is_transparency_due = 0;
      chunks->piece = chunks->transparency;
      chunks->piece_left = chunks->transparency_size;
      return 1;
    }
    chunks->next = end_of(chunks, &found);
    if (is_read(chunks, found.start + 4)) {
      chunks->piece = found.start;
      chunks->piece_left = frame_size + found.size;
      return 1;
    }
  }
  // The rest of a truncated chunk.
  if (chunks->next >= chunks->length) return 0;
  chunks->piece = chunks->bytes + chunks->next;
  chunks->piece_left = chunks->length - chunks->next;
  chunks->next = chunks->length;
  return 1;
}

int ci_png_chunks_read(png_chunks *chunks, uint8_t *destination, size_t size) {
  while (size > 0) {
    if (chunks->piece_left == 0 && !find_piece(chunks)) return 0;
    size_t count = size < chunks->piece_left ? size : chunks->piece_left;
    memcpy(destination, chunks->piece, count);
    chunks->piece += count;
    chunks->piece_left -= count;
    destination += count;
    size -= count;
  }
  return 1;
}
