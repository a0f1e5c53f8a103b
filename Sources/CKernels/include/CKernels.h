// Arithmetic on raw pointers, one table of functions per instruction set.
//
// The kernels start no threads, allocate no memory and decide no policy: callers split the work,
// own the scratch memory and choose the table. Lengths and strides count floats unless a name says
// bytes. Names consist of ck_ (the library), f32_ (the element type) and the operation. A table's
// results are bit-identical from run to run; two tables differ by rounding.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The most vectors in one panel row (`ck_kernels.panel_vectors` is the limit of a table).
enum { CK_MAX_PANEL_VECTORS = 4 };

/// The most filters of the thin kernels, which vectorise along the patch.
enum { CK_MAX_THIN_FILTERS = 4 };

/// ChaCha20 blocks per group of normal numbers, and normal numbers per group.
enum { CK_NOISE_BLOCKS = 16, CK_NOISE_GROUP = 128 };

/// Patches of an image times a panel of filters.
///
/// A patch consists of `run_count` runs of `run_length` contiguous floats, `run_stride` apart: one
/// run per kernel row of an image in height × width × channels order. The runs of a filter begin
/// `filter_run_stride` entries apart; this is more than their length if a patch covers only part of
/// a kernel row.
struct ck_patch_product {
  const float *source;            // image; patch i begins at source + source_offsets[i]
  const int32_t *source_offsets;
  float *target;                  // pixel i is written at target + target_offsets[i]
  const int32_t *target_offsets;
  size_t patch_count;
  size_t run_count, run_length, run_stride;
  size_t filter_run_stride;       // entries of the filters from one run to the next
  const float *filters;           // panel: patch entry × (vectors · lanes); thin: filter × entry
  size_t filter_stride;           // thin kernels only: from one filter to the next
  size_t filter_count;            // filters written, at most vectors · lanes
  const float *initial;           // bias per filter, or NULL for zero; unused when accumulating
  int accumulate;                 // add to the content of the target
};

/// A line of positions: the offset in the source where the first position's patch begins, its
/// number, and the count of consecutive positions.
struct ck_line {
  int32_t source;
  uint32_t first, count;
};

/// A tile of a weight gradient: sums over positions of left entry × right entry, added to target.
struct ck_line_product {
  const float *source;
  const struct ck_line *lines;    // summed in order
  size_t line_count;
  size_t step;                    // floats of the source from one position of a line to the next
  const int32_t *entry_offsets;   // per tile row, from a position's patch; NULL for 0, 1, 2 …
  const float *right;             // position × (vectors · lanes)
  size_t right_stride;            // position to position; vectors · lanes if entries have no offsets
  const float *ahead;             // memory of later tasks: one address per position is prefetched
  size_t ahead_step;              // floats from one such address to the next
  float scale;                    // of the sum, before it is added
  float *target;                  // rows × columns, rows `target_stride` apart
  size_t target_stride;
  size_t rows, columns;           // the part of the tile that is written
};

/// Weight gradient of few filters: target[k][f] += Σᵢ source[offset i + k] · gradient[i][f].
struct ck_thin_gradient {
  const float *source;
  const int32_t *source_offsets;
  size_t position_count;
  size_t length;                  // contiguous patch entries k
  const float *gradient;          // position × filters
  size_t filter_count;            // at most CK_MAX_THIN_FILTERS
  float *target;                  // length × filters
};

/// Squared norm of Σₚ patchₚ gradientₚᵀ from two Gram matrices.
struct ck_gram {
  const float *source;
  const int32_t *source_offsets;
  size_t position_count;
  size_t run_count, run_length, run_stride;
  const float *gradient;          // position × channels
  size_t channel_count;
};

/// Gram matrix of rows: target[placeᵢ · stride + placeⱼ] = rowᵢ · rowⱼ for i ≤ j; some entries
/// below the diagonal are written too.
struct ck_gram_rows {
  const float *source;
  const int32_t *source_offsets;  // row i begins at source + source_offsets[i]
  size_t row_count, row_length;
  float *target;
  const int32_t *places;
  size_t target_stride;
};

/// Σₚᵩ gradients[p][q] · Σₜ pixels[tapₜ + p · stride + q] over all pairs of positions; only pairs
/// with p ≤ q are read. `gradients` must be zero at the places between the positions.
struct ck_gram_sum {
  const float *pixels, *gradients;
  size_t stride;                  // of both matrices
  const int32_t *positions;       // in ascending order
  size_t position_count;
  const int32_t *taps;
  size_t tap_count;
};

/// Weighted sums of `term_count` rows of `length` floats (zero to four, six or nine), computed
/// `row_count` times:
/// targetᵢ[k] = factorᵢ · (initial[k] + Σₜ factors[t] · source[i · source_stride + offsetsₜ + k]).
struct ck_row_sum {
  const float *source;
  size_t source_stride;
  const int32_t *offsets;
  const float *factors;
  size_t term_count;
  const float *initial;           // or NULL for zero
  int accumulate;                 // begin with the content of the target instead
  const float *row_factors;       // or NULL for one
  float *target;
  size_t target_stride;
  size_t row_count, length;
  size_t chunk_length;            // contiguous floats of a target
  size_t chunk_stride;            // from one such chunk to the next
};

/// Attention of one query over `key_count` keys, at least one: output = Σᵢ wᵢ · valuesᵢ, where w is
/// the softmax of scale · (query · keysᵢ).
struct ck_attention {
  const float *query;             // width
  const float *keys, *values;     // channel × position
  size_t stride;                  // from one channel to the next
  size_t width, key_count;
  float scale;
  float *weights;                 // scratch of key_count; overwritten
  float *softmax;                 // two numbers: the largest score, and the reciprocal of the sum
  float *output;                  // width
};

/// Additional data for the gradient of an attention. `ck_attention` must contain the results of the
/// forward pass; its weights are overwritten. Keys get score_gradients[i] · query, values
/// weights[i] · output_gradient.
struct ck_attention_gradient {
  const float *output_gradient;   // width
  float *score_gradients;         // key_count; written
  float *query_gradient;          // width; written
};

/// A gated activation at each of `position_count` positions, with b the biases of the position:
/// target[k] = tanh(source[k] + b[k]) · σ(source[C + k] + b[C + k]) for k < C = `channels`.
struct ck_gate {
  const float *source;            // position × 2C
  const float *biases;
  const int32_t *bias_offsets;    // offset of a position's 2C biases; NULL: all at `biases`
  float *parts;                   // tanh and sigmoid, position × 2C; or NULL
  float *target;                  // position × C
  size_t position_count, channels;
};

/// One step of Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
/// p ← p − step · m / (√v · root_scale + ε).
struct ck_adam {
  float *parameters, *first_moment, *second_moment;
  const float *gradient;
  float beta1, beta2, epsilon;
  float step;                     // learning rate / (1 − β₁ᵗ)
  float root_scale;               // 1 / √(1 − β₂ᵗ)
};

/// One instruction set.
struct ck_kernels {
  const char *name;               // "scalar", "neon", "avx2", "avx512"
  size_t lanes;                   // floats per vector
  size_t panel_vectors;           // widest panel that the patch and line kernels accept
  size_t tile_rows;               // patches per tile; rows of the widest line tile

  // [vectors - 1]; entries beyond panel_vectors are NULL.
  void (*f32_patch_product[CK_MAX_PANEL_VECTORS])(const struct ck_patch_product *);
  void (*f32_thin_product)(const struct ck_patch_product *);
  // [tile rows / 2 - 1][vectors - 1]: tiles of 2, 4 and 6 rows.
  void (*f32_line_product[3][CK_MAX_PANEL_VECTORS])(const struct ck_line_product *);
  void (*f32_thin_gradient)(const struct ck_thin_gradient *);
  double (*f32_gram)(const struct ck_gram *);
  void (*f32_gram_rows)(const struct ck_gram_rows *);
  double (*f32_gram_sum)(const struct ck_gram_sum *);
  void (*f32_row_sum)(const struct ck_row_sum *);
  double (*f32_squared_norm)(const float *values, size_t count);
  void (*f32_attend)(const struct ck_attention *);
  void (*f32_attend_gradient)(const struct ck_attention *, const struct ck_attention_gradient *);

  void (*f32_gate)(const struct ck_gate *);
  // The gradient of a gate's source (position × 2C) from the gradient of its target and its parts.
  void (*f32_gate_gradient)(const float *gradient, const float *parts, float *target,
                            size_t position_count, size_t channels);
  // target[i] = e^(scale · (source[i] − largest)) for at least one number; returns their sum.
  float (*f32_softmax_weights)(const float *source, float scale, size_t count, float *target,
                               float *largest);

  // Loops over `count` elements; a target may alias an operand.
  void (*f32_tanh)(const float *source, float *target, size_t count);
  void (*f32_tanh_gradient)(const float *gradient, const float *output, float *target,
                            size_t count);
  void (*f32_leaky_relu)(const float *source, float slope, float *target, size_t count);
  void (*f32_leaky_relu_gradient)(const float *gradient, const float *input, float slope,
                                  float *target, size_t count);
  void (*f32_add_scaled)(const float *source, float factor, float *target, size_t count);
  void (*f32_scale)(const float *source, float factor, float *target, size_t count);
  void (*f32_adam)(const struct ck_adam *, size_t count);

  // target = Σᵣ weights[r] · rows[r] (plus target when accumulating); NULL weights mean ones.
  void (*f32_weighted_rows)(const float *rows, const float *weights, size_t row_count,
                            size_t row_stride, size_t columns, float *target, int accumulate);

  // CK_NOISE_BLOCKS blocks of ChaCha20 from `counter` on, block × 16 words.
  void (*u32_chacha20)(const uint32_t key[8], uint64_t counter, uint32_t *words);
  // Adds normal numbers to `target`, generated and added in double, rounded once. Uses
  // CK_NOISE_BLOCKS blocks per started group of CK_NOISE_GROUP values.
  void (*f32_add_gaussian)(const uint32_t key[8], uint64_t counter, double deviation,
                           float *target, size_t count);

  // Runs rounds of independent multiply-adds from sink[0] and sink[1], writes the result to
  // sink[2], and returns the number of floating-point operations: the peak that measured shares
  // refer to.
  double (*f32_peak)(size_t rounds, float *sink);
};

/// The tables that this processor can run, best first, scalar last; `count` receives their number.
const struct ck_kernels *const *ck_available(size_t *count);

/// Copies rows `first_row ..< first_row + row_count` of the zero-padded image into `target`
/// (row_count × padded width × channels).
void ck_f32_pad_image(const float *image, size_t height, size_t width, size_t channels,
                      size_t top, size_t left, size_t right, ptrdiff_t first_row,
                      size_t row_count, float *target);

/// Packs the entries of consecutive tiles, `width` each, at each position of a grid: target[tile ·
/// tile_stride + position · rows], zero beyond `width`. Position (y, x) reads source + y ·
/// row_stride + x · column_stride.
void ck_f32_pack_left(const float *source, size_t grid_rows, size_t grid_columns,
                      size_t row_stride, size_t column_stride, size_t tile_count,
                      size_t tile_stride, size_t width, size_t rows, float *target);

/// Packs `columns` of each row of `source`, times `scale`: target[row][panel_width], zero beyond.
void ck_f32_pack_right(const float *source, size_t row_count, size_t row_stride, size_t columns,
                       size_t panel_width, float scale, float *target);

/// Packs whole panels of each row of `source`, times `scale`, reading every row once and in order:
/// target[panel · panel_stride + row · panel_width].
void ck_f32_pack_panels(const float *source, size_t row_count, size_t row_stride,
                        size_t panel_count, size_t panel_width, size_t panel_stride, float scale,
                        float *target);

/// Packs a panel from rows that lie along its columns: target[k][c] = source[c · column_stride + k],
/// zero for columns beyond `columns`.
void ck_f32_pack_transposed(const float *source, size_t row_count, size_t column_stride,
                            size_t columns, size_t panel_width, float *target);

/// The number of processors that this process may run on (its affinity mask), at least one.
int ck_available_processors(void);

/// The processor that the calling thread runs on, or a negative number if the system does not report it.
int ck_current_processor(void);

/// Moves the calling thread to a processor that is not in `taken`, then restores its affinity mask.
/// Returns zero if there is none, or if the system refuses.
int ck_leave_processors(const int *taken, size_t count);

/// Hints to the processor that a thread waits in a loop.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
