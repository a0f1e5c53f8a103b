// The chunks of a PNG file, for png_decode.c.
#ifndef FIGMENT_PNG_CHUNKS_H
#define FIGMENT_PNG_CHUNKS_H

#include "CImageCodecs.h"
#include "metadata.h"

/// The metadata of a file, and how its chunks are passed to the library.
///
/// libpng sees the chunks that affect pixels: IHDR, the palette of a palette image, a corrected
/// tRNS chunk, IDAT, IEND, and unknown critical chunks, so that it refuses them. All others are
/// skipped here, whatever their checksum, size and position: they affect no pixel, and most
/// vulnerabilities of the library were found in their readers.
typedef struct png_chunks {
  const uint8_t *bytes;
  size_t length;
  size_t next;              // the next chunk to examine
  const uint8_t *piece;     // the bytes that the library reads now
  size_t piece_left;
  uint8_t colour_type;
  uint8_t depth;
  uint8_t transparency[12 + 256];  // a tRNS chunk
  size_t transparency_size;        // 0: none
  int is_transparency_due;         // it was not passed to the library yet
  int is_cut;                      // the file ends before IEND
  int has_wrong_checksum;          // in a chunk that is read
  uint8_t *profile;                // decompressed; NULL: none
  size_t profile_length;
  ci_orientation_finding orientation;
} png_chunks;

/// Reads the chunks of a file that begins with a signature and IHDR, and records what the decoder
/// must know in advance. `ci_png_chunks_end` frees the memory.
void ci_png_chunks_begin(
    png_chunks *chunks, const uint8_t *bytes, size_t length, int wants_profile);
void ci_png_chunks_end(png_chunks *chunks);

/// Copies the next `size` bytes for the library; returns 0 if the file has no more.
int ci_png_chunks_read(png_chunks *chunks, uint8_t *destination, size_t size);

#endif
