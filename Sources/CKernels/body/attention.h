// Attention of one query over the preceding keys: scores, softmax, and the weighted sum of values.
//
// Keys and values are stored channel by channel, so that vectors run along positions. The summation
// order of a query depends only on the number of its keys.

// Σ_c factors[c] · rows[c · stride + i] for `vectors` vectors of positions; the last has `tail` lanes.
CK_INLINE void attention_dots(const float *factors, const float *rows, size_t stride, size_t width,
                              const size_t vectors, size_t tail, vf *sums) {
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) sums[v] = vf_zero();
  for (size_t c = 0; c < width; ++c) {
    vf factor = vf_set(factors[c]);
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      const float *row = rows + c * stride + v * VF_LANES;
      vf x = tail == VF_LANES ? vf_load(row) : vf_load_first(row, tail);
      sums[v] = vf_fma(factor, x, sums[v]);
    }
  }
}

// Calls `block` for the positions below `count`: four vectors at a time, then one, then the remaining lanes.
#define CK_EACH_BLOCK(count, block, ...)                                                        \
  do {                                                                                          \
    size_t first = 0;                                                                           \
    for (; first + 4 * VF_LANES <= (count); first += 4 * VF_LANES) {                            \
      block(__VA_ARGS__, first, 4, VF_LANES);                                                   \
    }                                                                                           \
    for (; first + VF_LANES <= (count); first += VF_LANES) block(__VA_ARGS__, first, 1, VF_LANES); \
    if (first < (count)) block(__VA_ARGS__, first, 1, (count) - first);                         \
  } while (0)

// targets[c] = factor · Σᵢ weights[i] · rows[c · stride + i], four channels at a time.
CK_INLINE void attention_weighted(const float *weights, size_t count, const float *rows,
                                  size_t stride, size_t width, float factor, float *targets) {
  for (size_t c = 0; c < width; c += 4) {
    const float *row[4];
    CK_UNROLL for (size_t k = 0; k < 4; ++k) {
      row[k] = rows + (c + k < width ? c + k : width - 1) * stride;
    }
    vf sum[4];
    CK_UNROLL for (size_t k = 0; k < 4; ++k) sum[k] = vf_zero();
    size_t i = 0;
    for (; i + VF_LANES <= count; i += VF_LANES) {
      vf w = vf_load(weights + i);
      CK_UNROLL for (size_t k = 0; k < 4; ++k) sum[k] = vf_fma(w, vf_load(row[k] + i), sum[k]);
    }
    if (i < count) {
      vf w = vf_load_first(weights + i, count - i);
      CK_UNROLL for (size_t k = 0; k < 4; ++k) {
        sum[k] = vf_fma(w, vf_load_first(row[k] + i, count - i), sum[k]);
      }
    }
    float sums[4];
    vf_sum_four(sum[0], sum[1], sum[2], sum[3], sums);
    for (size_t k = 0; k < 4 && c + k < width; ++k) targets[c + k] = factor * sums[k];
  }
}

// The largest of `count` numbers, at least one.
CK_INLINE float attention_largest(const float *values, size_t count) {
  float largest = values[0];
  size_t i = 0;
  if (count >= VF_LANES) {
    vf most = vf_load(values);
    for (i = VF_LANES; i + VF_LANES <= count; i += VF_LANES) most = vf_max(most, vf_load(values + i));
    float lanes[VF_LANES];
    vf_store(lanes, most);
    for (size_t l = 0; l < VF_LANES; ++l) largest = lanes[l] > largest ? lanes[l] : largest;
  }
  for (; i < count; ++i) largest = values[i] > largest ? values[i] : largest;
  return largest;
}

CK_INLINE void attention_scores(const struct ck_attention *task, size_t first,
                                const size_t vectors, size_t tail) {
  const vf scale = vf_set(task->scale);
  vf scores[4];
  attention_dots(task->query, task->keys + first, task->stride, task->width, vectors, tail, scores);
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    vf_store_first(task->weights + first + v * VF_LANES, vf_multiply(scale, scores[v]), tail);
  }
}

static void f32_attend(const struct ck_attention *task) {
  const size_t count = task->key_count;
  float *weights = task->weights;
  CK_EACH_BLOCK(count, attention_scores, task);
  // Subtracting one number from all scores does not change a softmax; with the largest, nothing overflows.
  const float largest = attention_largest(weights, count);
  const vf shift = vf_set(largest);
  vf total = vf_zero();
  size_t i = 0;
  for (; i + VF_LANES <= count; i += VF_LANES) {
    vf w = vf_exp(vf_subtract(vf_load(weights + i), shift));
    vf_store(weights + i, w);
    total = vf_add(total, w);
  }
  if (i < count) {
    vf w = vf_exp(vf_subtract(vf_load_first(weights + i, count - i), shift));
    vf_store_first(weights + i, w, count - i);
    total = vf_add(total, vf_load_first(weights + i, count - i));
  }
  const float sum = vf_sum(total);
  attention_weighted(weights, count, task->values, task->stride, task->width, 1 / sum,
                     task->output);
  task->softmax[0] = largest;
  task->softmax[1] = 1 / sum;
}

// The weights, and the gradient of the scores: wᵢ (gᵢ − Σⱼ wⱼ gⱼ) · scale, with g the gradient of the weights.
CK_INLINE void attention_slopes(const struct ck_attention *task,
                                const struct ck_attention_gradient *gradient, float mean,
                                size_t first, const size_t vectors, size_t tail) {
  const vf scale = vf_set(task->scale), shift = vf_set(task->softmax[0]);
  const vf share = vf_set(task->softmax[1]), middle = vf_set(mean);
  vf scores[4], slopes[4];
  attention_dots(task->query, task->keys + first, task->stride, task->width, vectors, tail, scores);
  attention_dots(gradient->output_gradient, task->values + first, task->stride, task->width,
                 vectors, tail, slopes);
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    vf w = vf_multiply(share, vf_exp(vf_subtract(vf_multiply(scale, scores[v]), shift)));
    vf s = vf_multiply(scale, vf_multiply(w, vf_subtract(slopes[v], middle)));
    vf_store_first(task->weights + first + v * VF_LANES, w, tail);
    vf_store_first(gradient->score_gradients + first + v * VF_LANES, s, tail);
  }
}

static void f32_attend_gradient(const struct ck_attention *task,
                                const struct ck_attention_gradient *gradient) {
  const size_t count = task->key_count, stride = task->stride, width = task->width;
  // Σⱼ wⱼ gⱼ is the dot product of the output with its gradient.
  float mean = 0;
  for (size_t c = 0; c < width; ++c) mean += gradient->output_gradient[c] * task->output[c];
  CK_EACH_BLOCK(count, attention_slopes, task, gradient, mean);
  attention_weighted(gradient->score_gradients, count, task->keys, stride, width, 1,
                     gradient->query_gradient);
}
