// Vector vocabulary with 4 lanes: AArch64 Advanced SIMD, 32 registers.
typedef float32x4_t vf;
typedef float64x2_t vd;
#define VF_LANES 4
#define VF_PANEL_VECTORS 4

CK_INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
CK_INLINE vf vf_set(float x) { return vdupq_n_f32(x); }
CK_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
CK_INLINE vf vf_load_first(const float *p, size_t n) {
  float words[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < n; ++i) words[i] = p[i];
  return vld1q_f32(words);
}
CK_INLINE void vf_store(float *p, vf v) { vst1q_f32(p, v); }
CK_INLINE void vf_store_first(float *p, vf v, size_t n) {
  float words[4];
  vst1q_f32(words, v);
  for (size_t i = 0; i < n; ++i) p[i] = words[i];
}
CK_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
CK_INLINE vf vf_multiply(vf a, vf b) { return vmulq_f32(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
CK_INLINE float vf_sum(vf v) { return vaddvq_f32(v); }
// The sums of four vectors.
CK_INLINE void vf_sum_four(vf a, vf b, vf c, vf d, float *sums) {
  vst1q_f32(sums, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

CK_INLINE vd vd_zero(void) { return vdupq_n_f64(0); }
CK_INLINE vd vd_add_squares(vd sum, vf v) {
  float64x2_t low = vcvt_f64_f32(vget_low_f32(v));
  float64x2_t high = vcvt_high_f64_f32(v);
  return vfmaq_f64(vfmaq_f64(sum, low, low), high, high);
}
CK_INLINE double vd_sum(vd v) { return vaddvq_f64(v); }

CK_INLINE vf vf_subtract(vf a, vf b) { return vsubq_f32(a, b); }
CK_INLINE vf vf_divide(vf a, vf b) { return vdivq_f32(a, b); }
CK_INLINE vf vf_sqrt(vf a) { return vsqrtq_f32(a); }
CK_INLINE vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
CK_INLINE vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
CK_INLINE vf vf_abs(vf a) { return vabsq_f32(a); }
CK_INLINE vf vf_copy_sign(vf size, vf sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), sign, size);
}
// x > limit ? a : b, and b where x is not a number.
CK_INLINE vf vf_select_greater(vf x, vf limit, vf a, vf b) {
  return vbslq_f32(vcgtq_f32(x, limit), a, b);
}
CK_INLINE vf vf_round(vf a) { return vrndnq_f32(a); }
// v · 2ⁿ for a whole n that keeps the result normal.
CK_INLINE vf vf_times_power_of_two(vf v, vf n) {
  int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
  return vmulq_f32(v, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
}
