// Data rearrangement. It is bounded by memory, so it needs no instruction set of its own.
#include "CKernels.h"

#include <string.h>

void ck_f32_pad_image(const float *image, size_t height, size_t width, size_t channels,
                      size_t top, size_t left, size_t right, ptrdiff_t first_row,
                      size_t row_count, float *target) {
  const size_t line = (left + width + right) * channels;
  for (size_t r = 0; r < row_count; ++r) {
    const ptrdiff_t row = first_row + (ptrdiff_t)r - (ptrdiff_t)top;
    if (row < 0 || row >= (ptrdiff_t)height) {
      memset(target, 0, line * sizeof(float));
    } else {
      memset(target, 0, left * channels * sizeof(float));
      memcpy(target + left * channels, image + (size_t)row * width * channels,
             width * channels * sizeof(float));
      memset(target + (left + width) * channels, 0, right * channels * sizeof(float));
    }
    target += line;
  }
}

// Rows of a grid lie far apart, in other images: the hardware prefetcher cannot predict the next row.
static inline void pack_tiles(const float *source, size_t grid_rows, size_t grid_columns,
                              size_t row_stride, size_t column_stride, size_t tile_count,
                              size_t tile_stride, const size_t width, const size_t rows,
                              float *target) {
  const size_t rows_ahead = 1 + 7 / grid_columns;
  for (size_t y = 0; y < grid_rows; ++y) {
    const float *place = source + y * row_stride;
    const float *ahead = y + rows_ahead < grid_rows ? place + rows_ahead * row_stride : place;
    for (size_t x = 0; x < grid_columns; ++x) {
      for (size_t k = 0; k < tile_count * width; k += 16) __builtin_prefetch(ahead + k);
      __builtin_prefetch(ahead + tile_count * width - 1);
      ahead += column_stride;
      for (size_t t = 0; t < tile_count; ++t) {
        float *tile = target + t * tile_stride;
        memcpy(tile, place + t * width, width * sizeof(float));
        for (size_t r = width; r < rows; ++r) tile[r] = 0;
      }
      target += rows;
      place += column_stride;
    }
  }
}

void ck_f32_pack_left(const float *source, size_t grid_rows, size_t grid_columns,
                      size_t row_stride, size_t column_stride, size_t tile_count,
                      size_t tile_stride, size_t width, size_t rows, float *target) {
  // With constant sizes, a copy takes a few instructions.
  switch (width == rows ? rows : 0) {
    case 6:
      pack_tiles(source, grid_rows, grid_columns, row_stride, column_stride, tile_count,
                 tile_stride, 6, 6, target);
      break;
    case 4:
      pack_tiles(source, grid_rows, grid_columns, row_stride, column_stride, tile_count,
                 tile_stride, 4, 4, target);
      break;
    case 2:
      pack_tiles(source, grid_rows, grid_columns, row_stride, column_stride, tile_count,
                 tile_stride, 2, 2, target);
      break;
    default:
      pack_tiles(source, grid_rows, grid_columns, row_stride, column_stride, tile_count,
                 tile_stride, width, rows, target);
      break;
  }
}

void ck_f32_pack_right(const float *source, size_t row_count, size_t row_stride, size_t columns,
                       size_t panel_width, float scale, float *target) {
  for (size_t p = 0; p < row_count; ++p) {
    if (columns == panel_width && (panel_width & 7) == 0) {
      for (size_t c = 0; c < panel_width; ++c) target[c] = source[c] * scale;
    } else {
      for (size_t c = 0; c < columns; ++c) target[c] = source[c] * scale;
      for (size_t c = columns; c < panel_width; ++c) target[c] = 0;
    }
    source += row_stride;
    target += panel_width;
  }
}

static inline void pack_panels(const float *source, size_t row_count, size_t row_stride,
                               size_t panel_count, const size_t panel_width, size_t panel_stride,
                               float scale, float *target) {
  for (size_t p = 0; p < row_count; ++p) {
    const float *from = source + p * row_stride;
    float *to = target + p * panel_width;
    for (size_t panel = 0; panel < panel_count; ++panel) {
      for (size_t c = 0; c < panel_width; ++c) to[c] = from[c] * scale;
      from += panel_width;
      to += panel_stride;
    }
  }
}

void ck_f32_pack_panels(const float *source, size_t row_count, size_t row_stride,
                        size_t panel_count, size_t panel_width, size_t panel_stride, float scale,
                        float *target) {
  if (panel_width == 16) {
    pack_panels(source, row_count, row_stride, panel_count, 16, panel_stride, scale, target);
  } else {
    pack_panels(source, row_count, row_stride, panel_count, panel_width, panel_stride, scale,
                target);
  }
}

void ck_f32_pack_transposed(const float *source, size_t row_count, size_t column_stride,
                            size_t columns, size_t panel_width, float *target) {
  // Eight source lines at a time: each is read along its cache line while the target row is in the cache.
  for (size_t first = 0; first < panel_width; first += 8) {
    const size_t end = first + 8 < panel_width ? first + 8 : panel_width;
    for (size_t k = 0; k < row_count; ++k) {
      for (size_t c = first; c < end; ++c) {
        target[k * panel_width + c] = c < columns ? source[c * column_stride + k] : 0;
      }
    }
  }
}
