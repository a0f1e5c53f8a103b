// Weighted sums of few rows: the transforms of minimal filtering (Winograd) for pixels, taps and products.

CK_INLINE vf row_sum_vector(const float *const *row, const vf *factor, const size_t terms, vf sum,
                            size_t k, size_t count) {
  CK_UNROLL for (size_t t = 0; t < terms; ++t) {
    sum = vf_fma(factor[t], count == VF_LANES ? vf_load(row[t] + k) : vf_load_first(row[t] + k, count),
                 sum);
  }
  return sum;
}

CK_INLINE void row_sum(const struct ck_row_sum *task, const size_t terms) {
  const float *row[9];
  vf factor[9];
  CK_UNROLL for (size_t t = 0; t < terms; ++t) {
    row[t] = task->source + task->offsets[t];
    factor[t] = vf_set(task->factors[t]);
  }
  const size_t length = task->length, chunk = task->chunk_length;
  for (size_t i = 0; i < task->row_count; ++i) {
    float *target = task->target + i * task->target_stride;
    const vf scale = vf_set(task->row_factors ? task->row_factors[i] : 1);
    for (size_t first = 0; first < length; first += chunk) {
      const size_t end = length - first < chunk ? length : first + chunk;
      for (size_t k = first; k < end; k += VF_LANES) {
        const size_t count = end - k < VF_LANES ? end - k : VF_LANES;
        const float *begin = task->accumulate ? target + (k - first)
                             : task->initial  ? task->initial + k
                                              : NULL;
        vf sum = begin ? vf_load_first(begin, count) : vf_zero();
        if (count == VF_LANES) {
          sum = row_sum_vector(row, factor, terms, sum, k, VF_LANES);
          vf_store(target + (k - first), vf_multiply(sum, scale));
        } else {
          sum = row_sum_vector(row, factor, terms, sum, k, count);
          vf_store_first(target + (k - first), vf_multiply(sum, scale), count);
        }
      }
      target += task->chunk_stride;
    }
    CK_UNROLL for (size_t t = 0; t < terms; ++t) row[t] += task->source_stride;
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
