// The segments of a JPEG file before its first scan, for jpeg_decode.c.
#ifndef FIGMENT_JPEG_SEGMENTS_H
#define FIGMENT_JPEG_SEGMENTS_H

#include "CImageCodecs.h"
#include "metadata.h"

typedef struct jpeg_segments {
  ci_orientation_finding orientation;
  uint8_t *profile;  // joined from its segments; NULL: none
  size_t profile_length;
} jpeg_segments;

/// Reads the segments. `ci_jpeg_segments_end` frees the memory.
void ci_jpeg_segments_begin(
    jpeg_segments *segments, const uint8_t *bytes, size_t length, int wants_profile);
void ci_jpeg_segments_end(jpeg_segments *segments);

#endif
