// Weighted sums of few rows: what minimal filtering makes of pixels, of taps and of products.

CK_INLINE void row_sum(const struct ck_row_sum *task, const size_t terms) {
  const float *row[9];
  vf factor[9];
  CK_UNROLL for (size_t t = 0; t < terms; ++t) {
    row[t] = task->source + task->offsets[t];
    factor[t] = vf_set(task->factors[t]);
  }
  float *target = task->target;
  for (size_t i = 0; i < task->row_count; ++i) {
    for (size_t k = 0; k < task->length; k += VF_LANES) {
      const size_t count = task->length - k < VF_LANES ? task->length - k : VF_LANES;
      if (count == VF_LANES) {
        vf sum = task->initial ? vf_load(task->initial + k) : vf_zero();
        CK_UNROLL for (size_t t = 0; t < terms; ++t) {
          sum = vf_fma(factor[t], vf_load(row[t] + k), sum);
        }
        vf_store(target + k, sum);
      } else {
        vf sum = task->initial ? vf_load_first(task->initial + k, count) : vf_zero();
        CK_UNROLL for (size_t t = 0; t < terms; ++t) {
          sum = vf_fma(factor[t], vf_load_first(row[t] + k, count), sum);
        }
        vf_store_first(target + k, sum, count);
      }
    }
    CK_UNROLL for (size_t t = 0; t < terms; ++t) row[t] += task->source_stride;
    target += task->target_stride;
  }
}

static void f32_row_sum(const struct ck_row_sum *task) {
  switch (task->term_count) {
    case 0: row_sum(task, 0); break;
    case 1: row_sum(task, 1); break;
    case 2: row_sum(task, 2); break;
    case 3: row_sum(task, 3); break;
    case 4: row_sum(task, 4); break;
    case 6: row_sum(task, 6); break;
    case 9: row_sum(task, 9); break;
    default: __builtin_trap();
  }
}
