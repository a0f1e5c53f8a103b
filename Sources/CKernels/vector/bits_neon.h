// Vector vocabulary of the noise on NEON: 4 words, two vectors of 2 doubles.
typedef uint32x4_t vu;
typedef uint64x2_t vq;
#define VD_PER_VF 2

CK_INLINE vu vu_set(uint32_t x) { return vdupq_n_u32(x); }
CK_INLINE vu vu_load(const uint32_t *p) { return vld1q_u32(p); }
CK_INLINE void vu_store(uint32_t *p, vu v) { vst1q_u32(p, v); }
CK_INLINE vu vu_add(vu a, vu b) { return vaddq_u32(a, b); }
CK_INLINE vu vu_xor(vu a, vu b) { return veorq_u32(a, b); }
#define vu_rotate(v, n) vsriq_n_u32(vshlq_n_u32((v), (n)), (v), 32 - (n))

CK_INLINE void vq_join(vu low, vu high, vq out[VD_PER_VF]) {
  out[0] = vreinterpretq_u64_u32(vzip1q_u32(low, high));
  out[1] = vreinterpretq_u64_u32(vzip2q_u32(low, high));
}
CK_INLINE void vd_split(vf v, vd out[VD_PER_VF]) {
  out[0] = vcvt_f64_f32(vget_low_f32(v));
  out[1] = vcvt_high_f64_f32(v);
}
CK_INLINE vf vf_from_doubles(const vd in[VD_PER_VF]) {
  return vcvt_high_f32_f64(vcvt_f32_f64(in[0]), in[1]);
}

CK_INLINE vq vq_set(uint64_t x) { return vdupq_n_u64(x); }
CK_INLINE vq vq_add(vq a, vq b) { return vaddq_u64(a, b); }
CK_INLINE vq vq_subtract(vq a, vq b) { return vsubq_u64(a, b); }
CK_INLINE vq vq_and(vq a, vq b) { return vandq_u64(a, b); }
CK_INLINE vq vq_or(vq a, vq b) { return vorrq_u64(a, b); }
CK_INLINE vq vq_xor(vq a, vq b) { return veorq_u64(a, b); }
#define vq_shift_left(v, n) vshlq_n_u64((v), (n))
#define vq_shift_right(v, n) vshrq_n_u64((v), (n))

CK_INLINE vd vd_from_bits(vq v) { return vreinterpretq_f64_u64(v); }
CK_INLINE vq vd_bits(vd v) { return vreinterpretq_u64_f64(v); }
CK_INLINE vd vd_set(double x) { return vdupq_n_f64(x); }
CK_INLINE vd vd_add(vd a, vd b) { return vaddq_f64(a, b); }
CK_INLINE vd vd_subtract(vd a, vd b) { return vsubq_f64(a, b); }
CK_INLINE vd vd_multiply(vd a, vd b) { return vmulq_f64(a, b); }
CK_INLINE vd vd_divide(vd a, vd b) { return vdivq_f64(a, b); }
CK_INLINE vd vd_fma(vd a, vd b, vd c) { return vfmaq_f64(c, a, b); }
CK_INLINE vd vd_sqrt(vd a) { return vsqrtq_f64(a); }
// a where the sign bit of `sign` is set, else b.
CK_INLINE vd vd_select_sign(vq sign, vd a, vd b) {
  uint64x2_t chosen = vcltzq_s64(vreinterpretq_s64_u64(sign));
  return vbslq_f64(chosen, a, b);
}
