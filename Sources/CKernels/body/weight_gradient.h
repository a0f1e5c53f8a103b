// Weight gradients: sums over positions of patch entry × output gradient.

// Adds the first `count` lanes of a scaled sum to its target, one vector at a time: an array of
// sums passed to a function would live in memory and halve the speed of the preceding loop.
CK_INLINE void add_lanes(float *target, vf sum, vf scale, size_t count) {
  if (count == VF_LANES) {
    vf_store(target, vf_fma(sum, scale, vf_load(target)));
  } else {
    vf_store_first(target, vf_fma(sum, scale, vf_load_first(target, count)), count);
  }
}

// One position: its entries, each at its offset from `left`, times a row of the panel.
CK_INLINE void line_step(vf sum[CK_TILE_ROWS][CK_MAX_PANEL_VECTORS], const float *left,
                         const size_t entry[CK_TILE_ROWS], const float *right, const size_t rows,
                         const size_t vectors) {
  vf gradient[CK_MAX_PANEL_VECTORS];
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) gradient[v] = vf_load(right + v * VF_LANES);
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    vf x = vf_set(left[entry[r]]);
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) sum[r][v] = vf_fma(x, gradient[v], sum[r][v]);
  }
}

CK_INLINE void line_tile(const struct ck_line_product *task, const size_t rows,
                         const size_t vectors, const int is_contiguous, const int asks_ahead,
                         const size_t step, const size_t right_stride) {
  // The target was last accessed one block ago: prefetch it now instead of waiting at the end.
  for (size_t r = 0; r < task->rows; ++r) {
    for (size_t v = 0; v < vectors; ++v) {
      __builtin_prefetch(task->target + r * task->target_stride + v * VF_LANES, 1, 2);
    }
  }
  vf sum[CK_TILE_ROWS][CK_MAX_PANEL_VECTORS];
  size_t entry[CK_TILE_ROWS];
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    entry[r] = is_contiguous ? r : (size_t)task->entry_offsets[r < task->rows ? r : task->rows - 1];
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) sum[r][v] = vf_zero();
  }
  const float *ahead = task->ahead;
  const size_t ahead_step = task->ahead_step;
  for (size_t line = 0; line < task->line_count; ++line) {
    const float *left = task->source + task->lines[line].source;
    const float *right = task->right + task->lines[line].first * right_stride;
    size_t count = task->lines[line].count;
    // Variable offsets occupy the registers that four positions at once would need.
    for (; is_contiguous && count >= 4; count -= 4) {
      CK_UNROLL for (size_t p = 0; p < 4; ++p) {
        line_step(sum, left, entry, right, rows, vectors);
        left += step;
        right += right_stride;
      }
      if (asks_ahead) __builtin_prefetch(ahead, 0, 2);
      ahead += 4 * ahead_step;
    }
    for (; count > 0; --count) {
      if (asks_ahead) __builtin_prefetch(ahead, 0, 2);
      ahead += ahead_step;
      line_step(sum, left, entry, right, rows, vectors);
      left += step;
      right += right_stride;
    }
  }
  const vf scale = vf_set(task->scale);
  const size_t tail = task->columns - (vectors - 1) * VF_LANES;
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    if (r >= task->rows) break;
    float *target = task->target + r * task->target_stride;
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      add_lanes(target + v * VF_LANES, sum[r][v], scale, v + 1 < vectors ? VF_LANES : tail);
    }
  }
}

// Strides are constants where possible, so that the loop's addresses take fewer instructions.
// Packed entries are read in order; entries that lie apart would stall the loop without
// prefetching.
CK_INLINE void line_product(const struct ck_line_product *task, const size_t rows,
                            const size_t vectors) {
  if (task->entry_offsets) {
    line_tile(task, rows, vectors, 0, 1, task->step, task->right_stride);
  } else if (task->step == rows) {
    line_tile(task, rows, vectors, 1, 0, rows, vectors * VF_LANES);
  } else {
    line_tile(task, rows, vectors, 1, 1, task->step, vectors * VF_LANES);
  }
}

#define CK_LINE(rows, vectors)                                                           \
  static void f32_line_product_##rows##x##vectors(const struct ck_line_product *task) {  \
    line_product(task, rows, vectors);                                                   \
  }
CK_LINE(2, 1)
CK_LINE(4, 1)
CK_LINE(6, 1)
CK_LINE(2, 2)
CK_LINE(4, 2)
CK_LINE(6, 2)
#if VF_PANEL_VECTORS >= 4
CK_LINE(2, 3)
CK_LINE(4, 3)
CK_LINE(6, 3)
CK_LINE(2, 4)
CK_LINE(4, 4)
CK_LINE(6, 4)
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
