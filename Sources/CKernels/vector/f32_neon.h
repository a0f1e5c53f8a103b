// Vocabulary of 4 lanes: AArch64 Advanced SIMD, 32 registers.
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

CK_INLINE vd vd_zero(void) { return vdupq_n_f64(0); }
CK_INLINE vd vd_add_squares(vd sum, vf v) {
  float64x2_t low = vcvt_f64_f32(vget_low_f32(v));
  float64x2_t high = vcvt_high_f64_f32(v);
  return vfmaq_f64(vfmaq_f64(sum, low, low), high, high);
}
CK_INLINE double vd_sum(vd v) { return vaddvq_f64(v); }
