// Squared norms: of rows, and of a weight gradient that is never built.

static double f32_squared_norm(const float *values, size_t count) {
  vd even = vd_zero(), odd = vd_zero();
  size_t i = 0;
  for (; i + 2 * VF_LANES <= count; i += 2 * VF_LANES) {
    even = vd_add_squares(even, vf_load(values + i));
    odd = vd_add_squares(odd, vf_load(values + i + VF_LANES));
  }
  for (; i < count; i += VF_LANES) {
    size_t left = count - i;
    even = vd_add_squares(even, vf_load_first(values + i, left < VF_LANES ? left : VF_LANES));
  }
  return vd_sum(even) + vd_sum(odd);
}

// Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) over 4 × 3 tiles of the pairs p ≤ q; a pair off the diagonal counts twice.
static double f32_gram(const struct ck_gram *task) {
  const size_t count = task->position_count;
  double total = 0;
  for (size_t p = 0; p < count; p += 4) {
    const float *left[4], *left_gradient[4];
    for (size_t i = 0; i < 4; ++i) {
      size_t row = p + i < count ? p + i : count - 1;
      left[i] = task->source + task->source_offsets[row];
      left_gradient[i] = task->gradient + row * task->channel_count;
    }
    for (size_t q = p; q < count; q += 3) {
      const float *right[3], *right_gradient[3];
      for (size_t j = 0; j < 3; ++j) {
        size_t row = q + j < count ? q + j : count - 1;
        right[j] = task->source + task->source_offsets[row];
        right_gradient[j] = task->gradient + row * task->channel_count;
      }
      float patches[12], gradients[12];
      dot_tile(left, 4, task->run_stride, right, 3, task->run_stride, task->run_count,
               task->run_length, patches);
      dot_tile(left_gradient, 4, 0, right_gradient, 3, 0, 1, task->channel_count, gradients);
      for (size_t i = 0; i < 4 && p + i < count; ++i) {
        for (size_t j = 0; j < 3 && q + j < count; ++j) {
          if (q + j < p + i) continue;
          double product = (double)patches[i * 3 + j] * (double)gradients[i * 3 + j];
          total += q + j == p + i ? product : 2 * product;
        }
      }
    }
  }
  return total;
}
