// Element-wise loops. A target may alias an operand.

// One vector after another; the last one is partial. `a`, `b` and `target` are pointers in scope.
#define CK_EACH(count, body_whole, body_part)                        \
  size_t i = 0;                                                      \
  for (; i + VF_LANES <= (count); i += VF_LANES) { body_whole; }     \
  if (i < (count)) {                                                 \
    const size_t rest = (count) - i;                                 \
    body_part;                                                       \
  }

#define CK_UNARY(name, expression)                                                  \
  static void name(const float *source, float *target, size_t count) {             \
    CK_EACH(count, vf x = vf_load(source + i); vf_store(target + i, expression),     \
            vf x = vf_load_first(source + i, rest);                                \
            vf_store_first(target + i, expression, rest))                          \
  }

CK_UNARY(f32_tanh, vf_tanh(x))

// Gradient of an activation from its output y.
#define CK_GRADIENT(name, expression)                                                          \
  static void name(const float *gradient, const float *output, float *target, size_t count) {  \
    const vf one = vf_set(1.0f);                                                               \
    CK_EACH(count, vf g = vf_load(gradient + i); vf y = vf_load(output + i);                     \
            vf_store(target + i, expression), vf g = vf_load_first(gradient + i, rest);        \
            vf y = vf_load_first(output + i, rest); vf_store_first(target + i, expression, rest)) \
  }

CK_GRADIENT(f32_tanh_gradient, vf_multiply(g, vf_subtract(one, vf_multiply(y, y))))

static void f32_leaky_relu(const float *source, float slope, float *target, size_t count) {
  const vf factor = vf_set(slope), zero = vf_zero();
  CK_EACH(count, vf x = vf_load(source + i);
          vf_store(target + i, vf_select_greater(x, zero, x, vf_multiply(factor, x))),
          vf x = vf_load_first(source + i, rest);
          vf_store_first(target + i, vf_select_greater(x, zero, x, vf_multiply(factor, x)), rest))
}

static void f32_leaky_relu_gradient(const float *gradient, const float *input, float slope,
                                    float *target, size_t count) {
  const vf factor = vf_set(slope), zero = vf_zero();
  CK_EACH(count, vf g = vf_load(gradient + i); vf x = vf_load(input + i);
          vf_store(target + i, vf_select_greater(x, zero, g, vf_multiply(factor, g))),
          vf g = vf_load_first(gradient + i, rest); vf x = vf_load_first(input + i, rest);
          vf_store_first(target + i, vf_select_greater(x, zero, g, vf_multiply(factor, g)), rest))
}

static void f32_add_scaled(const float *source, float factor, float *target, size_t count) {
  const vf f = vf_set(factor);
  CK_EACH(count, vf_store(target + i, vf_fma(f, vf_load(source + i), vf_load(target + i))),
          vf_store_first(target + i, vf_fma(f, vf_load_first(source + i, rest),
                                            vf_load_first(target + i, rest)), rest))
}

static void f32_scale(const float *source, float factor, float *target, size_t count) {
  const vf f = vf_set(factor);
  CK_EACH(count, vf_store(target + i, vf_multiply(f, vf_load(source + i))),
          vf_store_first(target + i, vf_multiply(f, vf_load_first(source + i, rest)), rest))
}

// The factors of Adam, one vector each.
struct adam_factors {
  vf keep1, keep2, take1, take2, step, root, epsilon;
};

CK_INLINE void adam_vector(const struct adam_factors *f, vf g, vf *m, vf *v, vf *p) {
  *m = vf_fma(f->keep1, *m, vf_multiply(f->take1, g));
  *v = vf_fma(f->keep2, *v, vf_multiply(f->take2, vf_multiply(g, g)));
  *p = vf_fma(f->step, vf_divide(*m, vf_fma(vf_sqrt(*v), f->root, f->epsilon)), *p);
}

static void f32_adam(const struct ck_adam *task, size_t count) {
  const struct adam_factors factors = {
    vf_set(task->beta1), vf_set(task->beta2), vf_set(1 - task->beta1), vf_set(1 - task->beta2),
    vf_set(-task->step), vf_set(task->root_scale), vf_set(task->epsilon)};
  float *parameters = task->parameters, *first = task->first_moment, *second = task->second_moment;
  const float *gradient = task->gradient;
  size_t i = 0;
  for (; i + VF_LANES <= count; i += VF_LANES) {
    vf m = vf_load(first + i), v = vf_load(second + i), p = vf_load(parameters + i);
    adam_vector(&factors, vf_load(gradient + i), &m, &v, &p);
    vf_store(first + i, m);
    vf_store(second + i, v);
    vf_store(parameters + i, p);
  }
  if (i < count) {
    const size_t rest = count - i;
    vf m = vf_load_first(first + i, rest), v = vf_load_first(second + i, rest);
    vf p = vf_load_first(parameters + i, rest);
    adam_vector(&factors, vf_load_first(gradient + i, rest), &m, &v, &p);
    vf_store_first(first + i, m, rest);
    vf_store_first(second + i, v, rest);
    vf_store_first(parameters + i, p, rest);
  }
}

// Weighted sum of rows into four vectors of columns at a time: the sum stays in registers.
CK_INLINE void weighted_rows_block(const float *rows, const float *weights, size_t row_count,
                                   size_t row_stride, float *target, const size_t vectors,
                                   size_t tail, int accumulate) {
  vf sum[4];
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    const size_t n = v + 1 < vectors ? VF_LANES : tail;
    sum[v] = accumulate ? vf_load_first(target + v * VF_LANES, n) : vf_zero();
  }
  for (size_t r = 0; r < row_count; ++r) {
    vf weight = vf_set(weights ? weights[r] : 1.0f);
    CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
      vf x = v + 1 < vectors || tail == VF_LANES ? vf_load(rows + v * VF_LANES)
                                                 : vf_load_first(rows + v * VF_LANES, tail);
      sum[v] = vf_fma(weight, x, sum[v]);
    }
    rows += row_stride;
  }
  CK_UNROLL for (size_t v = 0; v < vectors; ++v) {
    if (v + 1 < vectors || tail == VF_LANES) {
      vf_store(target + v * VF_LANES, sum[v]);
    } else {
      vf_store_first(target + v * VF_LANES, sum[v], tail);
    }
  }
}

static void f32_weighted_rows(const float *rows, const float *weights, size_t row_count,
                              size_t row_stride, size_t columns, float *target, int accumulate) {
  size_t c = 0;
  for (; c + 4 * VF_LANES <= columns; c += 4 * VF_LANES) {
    weighted_rows_block(rows + c, weights, row_count, row_stride, target + c, 4, VF_LANES,
                        accumulate);
  }
  for (; c < columns; c += VF_LANES) {
    const size_t rest = columns - c < VF_LANES ? columns - c : VF_LANES;
    weighted_rows_block(rows + c, weights, row_count, row_stride, target + c, 1, rest, accumulate);
  }
}
