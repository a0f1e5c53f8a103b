// Squared norms: of rows, and of a weight gradient that is never materialised.

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

// Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) over 4 × 3 tiles of the pairs p ≤ q; off-diagonal pairs count twice.
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

static void f32_gram_rows(const struct ck_gram_rows *task) {
  const size_t count = task->row_count;
  for (size_t p = 0; p < count; p += 4) {
    const float *left[4];
    float *target[4];
    for (size_t i = 0; i < 4; ++i) {
      size_t row = p + i < count ? p + i : count - 1;
      left[i] = task->source + task->source_offsets[row];
      target[i] = task->target + (size_t)task->places[row] * task->target_stride;
    }
    for (size_t q = p; q < count; q += 3) {
      const float *right[3];
      size_t place[3];
      for (size_t j = 0; j < 3; ++j) {
        size_t row = q + j < count ? q + j : count - 1;
        right[j] = task->source + task->source_offsets[row];
        place[j] = (size_t)task->places[row];
      }
      float dots[12];
      dot_tile(left, 4, 0, right, 3, 0, 1, task->row_length, dots);
      // Surplus rows repeat the last row and write the same values.
      CK_UNROLL for (size_t i = 0; i < 4; ++i) {
        CK_UNROLL for (size_t j = 0; j < 3; ++j) target[i][place[j]] = dots[i * 3 + j];
      }
    }
  }
}

// Vectors run along the second position, from the diagonal on; off-diagonal entries count twice.
static double f32_gram_sum(const struct ck_gram_sum *task) {
  if (task->position_count == 0) return 0;
  const size_t end = (size_t)task->positions[task->position_count - 1] + 1;
  vd total[VD_PER_VF];
  for (size_t d = 0; d < VD_PER_VF; ++d) total[d] = vd_zero();
  double diagonal = 0;
  for (size_t p = 0; p < task->position_count; ++p) {
    const size_t first = (size_t)task->positions[p];
    const float *pixels = task->pixels + first * task->stride;
    const float *gradients = task->gradients + first * task->stride;
    for (size_t q = first; q < end; q += VF_LANES) {
      const size_t count = end - q < VF_LANES ? end - q : VF_LANES;
      vf patches = vf_zero();
      for (size_t t = 0; t < task->tap_count; ++t) {
        const float *row = pixels + task->taps[t] + q;
        patches = vf_add(patches, count == VF_LANES ? vf_load(row) : vf_load_first(row, count));
      }
      vd patch[VD_PER_VF], gradient[VD_PER_VF];
      vd_split(patches, patch);
      vd_split(vf_load_first(gradients + q, count), gradient);
      for (size_t d = 0; d < VD_PER_VF; ++d) total[d] = vd_fma(patch[d], gradient[d], total[d]);
      if (q == first) {
        float lanes[VF_LANES];
        vf_store(lanes, patches);
        diagonal += (double)lanes[0] * (double)gradients[q];
      }
    }
  }
  double sum = 0;
  for (size_t d = 0; d < VD_PER_VF; ++d) sum += vd_sum(total[d]);
  return 2 * sum - diagonal;
}
