// Patches times filters: the product behind forward convolution, backward-data and dense layers.

#define CK_TILE_ROWS 6

// A tile of `rows` patches × `vectors` vectors of filters, kept in registers over the whole patch.
// Each patch entry is broadcast against a row of the panel, so images need no rearrangement.
CK_INLINE void patch_tile(const struct ck_patch_product *task, size_t first, size_t valid,
                          const size_t rows, const size_t vectors) {
  const size_t width = vectors * VF_LANES;
  const float *patch[CK_TILE_ROWS];
  float *target[CK_TILE_ROWS];
  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    size_t row = first + (r < valid ? r : valid - 1);
    patch[r] = task->source + task->source_offsets[row];
    target[r] = task->target + task->target_offsets[row];
  }
  const size_t tail = task->filter_count - (vectors - 1) * VF_LANES;

  vf sum[CK_TILE_ROWS][CK_MAX_PANEL_VECTORS];
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    const size_t count = v + 1 < vectors ? VF_LANES : tail;
    if (task->accumulate) {
      CK_UNROLL for (size_t r = 0; r < rows; ++r) {
        sum[r][v] = count == VF_LANES ? vf_load(target[r] + v * VF_LANES)
                                      : vf_load_first(target[r] + v * VF_LANES, count);
      }
    } else {
      vf bias = task->initial ? vf_load_first(task->initial + v * VF_LANES, count) : vf_zero();
      CK_UNROLL for (size_t r = 0; r < rows; ++r) sum[r][v] = bias;
    }
  }

  // One index for all patches, instead of one pointer per patch that each run would have to advance.
  const float *panel = task->filters;
  const size_t run_gap = task->run_stride - task->run_length;
  const size_t panel_gap = (task->filter_run_stride - task->run_length) * width;
  size_t k = 0;
  for (size_t run = task->run_count; run > 0; --run) {
    const size_t end = k + task->run_length;
    CK_UNROLL_FOUR for (; k < end; ++k) {
      vf filter[CK_MAX_PANEL_VECTORS];
      CK_UNROLL for (size_t v = 0; v < vectors; ++v) filter[v] = vf_load(panel + v * VF_LANES);
      CK_UNROLL for (size_t r = 0; r < rows; ++r) {
        vf entry = vf_set(patch[r][k]);
        CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
          sum[r][v] = vf_fma(entry, filter[v], sum[r][v]);
        }
      }
      panel += width;
    }
    k += run_gap;
    panel += panel_gap;
  }

  CK_UNROLL for (size_t r = 0; r < rows; ++r) {
    if (r < valid) {
      CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
        if (v + 1 < vectors || tail == VF_LANES) {
          vf_store(target[r] + v * VF_LANES, sum[r][v]);
        } else {
          vf_store_first(target[r] + v * VF_LANES, sum[r][v], tail);
        }
      }
    }
  }
}

CK_INLINE void patch_product(const struct ck_patch_product *task, const size_t vectors) {
  // Tiles of four and two cover the rest after tiles of six: image borders are small groups.
  for (size_t first = 0; first < task->patch_count;) {
    const size_t left = task->patch_count - first;
    if (left > 8 || left == 6 || left == 5) {
      patch_tile(task, first, left < 6 ? left : 6, 6, vectors);
      first += 6;
    } else if (left > 2) {
      patch_tile(task, first, left < 4 ? left : 4, 4, vectors);
      first += 4;
    } else {
      patch_tile(task, first, left, 2, vectors);
      first += 2;
    }
  }
}

static void f32_patch_product_1(const struct ck_patch_product *task) { patch_product(task, 1); }
static void f32_patch_product_2(const struct ck_patch_product *task) { patch_product(task, 2); }
#if VF_PANEL_VECTORS >= 4
static void f32_patch_product_3(const struct ck_patch_product *task) { patch_product(task, 3); }
static void f32_patch_product_4(const struct ck_patch_product *task) { patch_product(task, 4); }
#endif

// Dot products of `left_count` × `right_count` rows, vectorised along their runs.
CK_INLINE void dot_tile(const float *const *left, const size_t left_count, size_t left_stride,
                        const float *const *right, const size_t right_count, size_t right_stride,
                        size_t run_count, size_t run_length, float *dots) {
  vf sum[8][3];
  const float *l[8], *r[3];
  CK_UNROLL for (size_t i = 0; i < left_count; ++i) {
    l[i] = left[i];
    CK_UNROLL for (size_t j = 0; j < right_count; ++j) sum[i][j] = vf_zero();
  }
  CK_UNROLL for (size_t j = 0; j < right_count; ++j) r[j] = right[j];
  for (size_t run = 0; run < run_count; ++run) {
    size_t k = 0;
    for (; k + VF_LANES <= run_length; k += VF_LANES) {
      vf y[3];
      CK_UNROLL for (size_t j = 0; j < right_count; ++j) y[j] = vf_load(r[j] + k);
      CK_UNROLL for (size_t i = 0; i < left_count; ++i) {
        vf x = vf_load(l[i] + k);
        CK_UNROLL for (size_t j = 0; j < right_count; ++j) sum[i][j] = vf_fma(x, y[j], sum[i][j]);
      }
    }
    if (k < run_length) {
      const size_t rest = run_length - k;
      vf y[3];
      CK_UNROLL for (size_t j = 0; j < right_count; ++j) y[j] = vf_load_first(r[j] + k, rest);
      CK_UNROLL for (size_t i = 0; i < left_count; ++i) {
        vf x = vf_load_first(l[i] + k, rest);
        CK_UNROLL for (size_t j = 0; j < right_count; ++j) sum[i][j] = vf_fma(x, y[j], sum[i][j]);
      }
    }
    CK_UNROLL for (size_t i = 0; i < left_count; ++i) l[i] += left_stride;
    CK_UNROLL for (size_t j = 0; j < right_count; ++j) r[j] += right_stride;
  }
  // The number of sums in a tile is a multiple of four.
  CK_UNROLL for (size_t n = 0; n < left_count * right_count; n += 4) {
    vf_sum_four(sum[n / right_count][n % right_count],
                sum[(n + 1) / right_count][(n + 1) % right_count],
                sum[(n + 2) / right_count][(n + 2) % right_count],
                sum[(n + 3) / right_count][(n + 3) % right_count], dots + n);
  }
}

CK_INLINE void thin_filters(const struct ck_patch_product *task, size_t filter,
                            const size_t filters, const size_t rows) {
  for (size_t first = 0; first < task->patch_count; first += rows) {
    const float *patch[8], *weights[3];
    for (size_t r = 0; r < rows; ++r) {
      size_t row = first + r < task->patch_count ? first + r : task->patch_count - 1;
      patch[r] = task->source + task->source_offsets[row];
    }
    for (size_t f = 0; f < filters; ++f) {
      weights[f] = task->filters + (filter + f) * task->filter_stride;
    }
    float dots[24];
    dot_tile(patch, rows, task->run_stride, weights, filters, task->filter_run_stride,
             task->run_count, task->run_length, dots);
    for (size_t r = 0; r < rows && first + r < task->patch_count; ++r) {
      float *target = task->target + task->target_offsets[first + r] + filter;
      for (size_t f = 0; f < filters; ++f) {
        float start = task->accumulate ? target[f] : task->initial ? task->initial[filter + f] : 0;
        target[f] = start + dots[r * filters + f];
      }
    }
  }
}

// Up to four filters are too few to fill a panel, so the vectors run along the patch.
static void f32_thin_product(const struct ck_patch_product *task) {
  size_t filter = 0;
  while (filter < task->filter_count) {
    switch (task->filter_count - filter) {
      case 1: thin_filters(task, filter, 1, 8); filter += 1; break;
      case 2:
      case 4: thin_filters(task, filter, 2, 4); filter += 2; break;
      default: thin_filters(task, filter, 3, 4); filter += 3; break;
    }
  }
}
