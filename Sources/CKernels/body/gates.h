// Gates of autoregressive networks, and the softmax over their levels.

// tanh a and the sigmoid of b with one division, each within 2⁻²² of the exact value. With p = e⁻²ᵃ
// and q = e⁻ᵇ they are (1 − p) / (1 + p) and 1 / (1 + q). A NaN stays a NaN.
CK_INLINE void gate_vector(vf a, vf b, vf *content, vf *openness) {
  // Beyond ±40 both have reached their limits, and the product below would overflow. The argument
  // comes second because min and max return their second operand if one of them is NaN.
  const vf one = vf_set(1.0f), high = vf_set(40.0f), low = vf_set(-40.0f);
  vf twice = vf_max(low, vf_min(high, vf_multiply(a, vf_set(-2.0f))));
  vf once = vf_max(low, vf_min(high, vf_subtract(vf_zero(), b)));
  vf p = vf_exp(twice), q = vf_exp(once);
  vf u = vf_add(one, p), v = vf_add(one, q);
  vf share = vf_divide(one, vf_multiply(u, v));
  // The exponential does not propagate NaN, so zero times the argument is added to restore it.
  *content = vf_fma(twice, vf_zero(), vf_multiply(vf_subtract(one, p), vf_multiply(v, share)));
  *openness = vf_fma(once, vf_zero(), vf_multiply(u, share));
}

// `n` channels of a position, starting at `c`; a whole vector needs no mask.
CK_INLINE void gate_channels(const struct ck_gate *task, const float *source, const float *bias,
                             float *parts, float *target, const int is_whole, size_t n) {
  const size_t channels = task->channels;
  vf a = is_whole ? vf_add(vf_load(source), vf_load(bias))
                  : vf_add(vf_load_first(source, n), vf_load_first(bias, n));
  vf b = is_whole ? vf_add(vf_load(source + channels), vf_load(bias + channels))
                  : vf_add(vf_load_first(source + channels, n), vf_load_first(bias + channels, n));
  vf content, openness;
  gate_vector(a, b, &content, &openness);
  if (is_whole) {
    if (parts) vf_store(parts, content);
    if (parts) vf_store(parts + channels, openness);
    vf_store(target, vf_multiply(content, openness));
  } else {
    if (parts) vf_store_first(parts, content, n);
    if (parts) vf_store_first(parts + channels, openness, n);
    vf_store_first(target, vf_multiply(content, openness), n);
  }
}

static void f32_gate(const struct ck_gate *task) {
  const size_t channels = task->channels;
  const float *source = task->source;
  float *parts = task->parts, *target = task->target;
  for (size_t p = 0; p < task->position_count; ++p) {
    const float *bias = task->biases + (task->bias_offsets ? task->bias_offsets[p] : 0);
    size_t c = 0;
    for (; c + VF_LANES <= channels; c += VF_LANES) {
      gate_channels(task, source + c, bias + c, parts ? parts + c : parts, target + c, 1, VF_LANES);
    }
    if (c < channels) {
      gate_channels(task, source + c, bias + c, parts ? parts + c : parts, target + c, 0,
                    channels - c);
    }
    source += 2 * channels;
    if (parts) parts += 2 * channels;
    target += channels;
  }
}

// The gradients of both halves from the gradient of their product.
CK_INLINE void gate_gradient_vector(vf g, vf content, vf openness, vf *first, vf *second) {
  const vf one = vf_set(1.0f);
  vf open = vf_multiply(g, openness);
  *first = vf_multiply(open, vf_subtract(one, vf_multiply(content, content)));
  *second = vf_multiply(vf_multiply(open, content), vf_subtract(one, openness));
}

static void f32_gate_gradient(const float *gradient, const float *parts, float *target,
                              size_t position_count, size_t channels) {
  vf first, second;
  for (size_t p = 0; p < position_count; ++p) {
    CK_EACH(channels,
            gate_gradient_vector(vf_load(gradient + i), vf_load(parts + i),
                                 vf_load(parts + channels + i), &first, &second);
            vf_store(target + i, first); vf_store(target + channels + i, second),
            gate_gradient_vector(vf_load_first(gradient + i, rest), vf_load_first(parts + i, rest),
                                 vf_load_first(parts + channels + i, rest), &first, &second);
            vf_store_first(target + i, first, rest);
            vf_store_first(target + channels + i, second, rest))
    gradient += channels;
    parts += 2 * channels;
    target += 2 * channels;
  }
}

// Weights of a softmax, not yet divided by their sum: target[i] = e^(scale · (source[i] − largest)).
// Returns the sum and writes `largest`.
static float f32_softmax_weights(const float *source, float scale, size_t count, float *target,
                                 float *largest) {
  *largest = attention_largest(source, count);
  const vf shift = vf_set(*largest), factor = vf_set(scale);
  vf total = vf_zero();
  size_t i = 0;
  for (; i + VF_LANES <= count; i += VF_LANES) {
    vf w = vf_exp(vf_multiply(factor, vf_subtract(vf_load(source + i), shift)));
    vf_store(target + i, w);
    total = vf_add(total, w);
  }
  if (i < count) {
    vf w = vf_exp(vf_multiply(factor, vf_subtract(vf_load_first(source + i, count - i), shift)));
    vf_store_first(target + i, w, count - i);
    total = vf_add(total, vf_load_first(target + i, count - i));
  }
  return vf_sum(total);
}
