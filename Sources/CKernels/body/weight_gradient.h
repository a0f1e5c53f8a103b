// Weight gradients: sums over positions of patch entry × output gradient.

// Adds the first `count` lanes of a sum to its target. One vector at a time: an array of sums handed
// to a function would live in memory and halve the speed of the loop before.
CK_INLINE void add_lanes(float *target, vf sum, size_t count) {
  if (count == VF_LANES) {
    vf_store(target, vf_add(vf_load(target), sum));
  } else {
    vf_store_first(target, vf_add(vf_load_first(target, count), sum), count);
  }
}

CK_INLINE void outer_tile(const struct ck_outer_product *task, const size_t rows,
                          const size_t vectors) {
  const size_t width = vectors * VF_LANES;
  vf sum[CK_TILE_ROWS][CK_MAX_PANEL_VECTORS];
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) sum[r][v] = vf_zero();
  }
  const float *left = task->left;
  for (size_t s = 0; s < task->segment_count; ++s) {
    const float *right = task->right + (size_t)task->segments[s].first * width;
    for (size_t p = task->segments[s].count; p > 0; --p) {
      vf gradient[CK_MAX_PANEL_VECTORS];
      CK_UNROLL for (size_t v = 0; v < vectors; ++v) gradient[v] = vf_load(right + v * VF_LANES);
      CK_UNROLL for (size_t r = 0; r < rows; ++r) {
        vf entry = vf_set(left[r]);
        CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
          sum[r][v] = vf_fma(entry, gradient[v], sum[r][v]);
        }
      }
      left += rows;
      right += width;
    }
  }
  const size_t tail = task->columns - (vectors - 1) * VF_LANES;
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    if (r >= task->rows) break;
    float *target = task->target + r * task->target_stride;
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      add_lanes(target + v * VF_LANES, sum[r][v], v + 1 < vectors ? VF_LANES : tail);
    }
  }
}

// The same sums with the entries read where they lie: images of few channels need no packing.
// Nor do gradients whose channels fill a panel: they are read in their rows, and an example's weight
// is applied to its sum.
CK_INLINE void line_tile(const struct ck_line_product *task, const size_t rows,
                         const size_t vectors) {
  vf sum[CK_TILE_ROWS][CK_MAX_PANEL_VECTORS];
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) sum[r][v] = vf_zero();
  }
  const size_t end = task->line_length * task->step;
  const float *right = task->right;
  for (size_t line = 0; line < task->line_count; ++line) {
    const float *source = task->source + task->source_offsets[line * task->line_length];
    const float *left[CK_TILE_ROWS];
    CK_UNROLL for (size_t r = 0; r < rows; ++r) {
      left[r] = source + task->entry_offsets[r < task->rows ? r : task->rows - 1];
    }
    for (size_t x = 0; x < end; x += task->step) {
      vf gradient[CK_MAX_PANEL_VECTORS];
      CK_UNROLL for (size_t v = 0; v < vectors; ++v) gradient[v] = vf_load(right + v * VF_LANES);
      CK_UNROLL for (size_t r = 0; r < rows; ++r) {
        vf entry = vf_set(left[r][x]);
        CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
          sum[r][v] = vf_fma(entry, gradient[v], sum[r][v]);
        }
      }
      right += task->right_stride;
    }
  }
  const vf scale = vf_set(task->scale);
  const size_t tail = task->columns - (vectors - 1) * VF_LANES;
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    if (r >= task->rows) break;
    float *target = task->target + r * task->target_stride;
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      add_lanes(target + v * VF_LANES, vf_multiply(sum[r][v], scale),
                v + 1 < vectors ? VF_LANES : tail);
    }
  }
}

#define CK_OUTER(rows, vectors)                                                            \
  static void f32_outer_product_##rows##x##vectors(const struct ck_outer_product *task) {  \
    outer_tile(task, rows, vectors);                                                       \
  }                                                                                        \
  static void f32_line_product_##rows##x##vectors(const struct ck_line_product *task) {    \
    line_tile(task, rows, vectors);                                                        \
  }
CK_OUTER(2, 1)
CK_OUTER(4, 1)
CK_OUTER(6, 1)
CK_OUTER(2, 2)
CK_OUTER(4, 2)
CK_OUTER(6, 2)
#if VF_PANEL_VECTORS >= 4
CK_OUTER(2, 3)
CK_OUTER(4, 3)
CK_OUTER(6, 3)
CK_OUTER(2, 4)
CK_OUTER(4, 4)
CK_OUTER(6, 4)
#endif

CK_INLINE void thin_gradient_block(const struct ck_thin_gradient *task, size_t k, size_t count,
                                   const size_t vectors, const size_t filters) {
  vf sum[8][CK_MAX_THIN_FILTERS];
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    CK_UNROLL for (size_t f = 0; f < filters; ++f) sum[v][f] = vf_zero();
  }
  const size_t tail = count - (vectors - 1) * VF_LANES;
  for (size_t p = 0; p < task->position_count; ++p) {
    const float *patch = task->source + task->source_offsets[p] + k;
    vf gradient[CK_MAX_THIN_FILTERS];
    CK_UNROLL for (size_t f = 0; f < filters; ++f) {
      gradient[f] = vf_set(task->gradient[p * filters + f]);
    }
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      vf entry = vectors > 1 || tail == VF_LANES ? vf_load(patch + v * VF_LANES)
                                                 : vf_load_first(patch, tail);
      CK_UNROLL for (size_t f = 0; f < filters; ++f) {
        sum[v][f] = vf_fma(entry, gradient[f], sum[v][f]);
      }
    }
  }
  float *target = task->target + k * filters;
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    CK_UNROLL for (size_t f = 0; f < filters; ++f) {
      float lanes[VF_LANES];
      vf_store(lanes, sum[v][f]);
      const size_t valid = v + 1 < vectors ? VF_LANES : tail;
      for (size_t i = 0; i < valid; ++i) target[(v * VF_LANES + i) * filters + f] += lanes[i];
    }
  }
}

CK_INLINE void thin_gradient(const struct ck_thin_gradient *task, const size_t vectors,
                             const size_t filters) {
  const size_t block = vectors * VF_LANES;
  size_t k = 0;
  for (; k + block <= task->length; k += block) {
    thin_gradient_block(task, k, block, vectors, filters);
  }
  for (; k < task->length; k += VF_LANES) {
    size_t left = task->length - k;
    thin_gradient_block(task, k, left < VF_LANES ? left : VF_LANES, 1, filters);
  }
}

static void f32_thin_gradient(const struct ck_thin_gradient *task) {
  switch (task->filter_count) {
    case 1: thin_gradient(task, 8, 1); break;
    case 2: thin_gradient(task, 4, 2); break;
    case 3: thin_gradient(task, 4, 3); break;
    default: thin_gradient(task, 2, 4); break;
  }
}
