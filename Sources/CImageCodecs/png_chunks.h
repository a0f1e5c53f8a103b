// The chunks of a PNG file, for png_decode.c.
#ifndef FIGMENT_PNG_CHUNKS_H
#define FIGMENT_PNG_CHUNKS_H

#include "CImageCodecs.h"
#include "metadata.h"

/// What stands in a file beside its pixels, and how it is fed to the library.
///
/// libpng sees the chunks that decide pixels: IHDR, the palette of a palette image, a tRNS chunk
/// brought to its proper form, IDAT, IEND, and critical chunks that nobody knows, so that it refuses
/// them. All others are passed over here, whatever their checksum, size and place: they change no
/// pixel, and most faults of the library were found in their readers.
typedef struct png_chunks {
  const uint8_t *bytes;
  size_t length;
  size_t next;              // the chunk to look at next
  const uint8_t *piece;     // what the library reads now
  size_t piece_left;
  uint8_t colour_type;
  uint8_t depth;
  uint8_t transparency[12 + 256];  // a tRNS chunk
  size_t transparency_size;        // 0: none
  int is_transparency_due;         // it was not handed over yet
  int is_cut;                      // the file ends before IEND
  int has_wrong_checksum;          // in a chunk that is read
  uint8_t *profile;                // unpacked; NULL: none
  size_t profile_length;
  ci_orientation_finding orientation;
} png_chunks;

/// Walks through a file that begins with a signature and IHDR, and notes what is to be known before
/// it is decoded. `ci_png_chunks_end` gives the memory back.
void ci_png_chunks_begin(
    png_chunks *chunks, const uint8_t *bytes, size_t length, int wants_profile);
void ci_png_chunks_end(png_chunks *chunks);

/// The next `size` bytes for the library; 0 when the file has no more.
int ci_png_chunks_read(png_chunks *chunks, uint8_t *destination, size_t size);

#endif
