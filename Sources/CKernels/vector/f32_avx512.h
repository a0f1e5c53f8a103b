// Vector vocabulary with 16 lanes: AVX-512 F and DQ, 32 registers.
typedef __m512 vf;
typedef __m512d vd;
#define VF_LANES 16
#define VF_PANEL_VECTORS 4

CK_INLINE __mmask16 vf_mask(size_t n) { return (__mmask16)((1u << n) - 1u); }
CK_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
CK_INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
CK_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
CK_INLINE vf vf_load_first(const float *p, size_t n) {
  return _mm512_maskz_loadu_ps(vf_mask(n), p);
}
CK_INLINE void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
CK_INLINE void vf_store_first(float *p, vf v, size_t n) {
  _mm512_mask_storeu_ps(p, vf_mask(n), v);
}
CK_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
CK_INLINE vf vf_multiply(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
CK_INLINE float vf_sum(vf v) { return _mm512_reduce_add_ps(v); }
// The sums of four vectors, reduced together: a third of the instructions of four separate sums.
CK_INLINE void vf_sum_four(vf a, vf b, vf c, vf d, float *sums) {
  vf ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  vf cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
  vf four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  vf two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4E));
  vf one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xB1));
  _mm_storeu_ps(sums, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, one)));
}

CK_INLINE vd vd_zero(void) { return _mm512_setzero_pd(); }
CK_INLINE vd vd_add_squares(vd sum, vf v) {
  __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
  __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
  return _mm512_fmadd_pd(high, high, _mm512_fmadd_pd(low, low, sum));
}
CK_INLINE double vd_sum(vd v) { return _mm512_reduce_add_pd(v); }

CK_INLINE vf vf_subtract(vf a, vf b) { return _mm512_sub_ps(a, b); }
CK_INLINE vf vf_divide(vf a, vf b) { return _mm512_div_ps(a, b); }
CK_INLINE vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
CK_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
CK_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
CK_INLINE vf vf_abs(vf a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
CK_INLINE vf vf_copy_sign(vf size, vf sign) {
  return _mm512_or_ps(size, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}
// x > limit ? a : b, and b where x is not a number.
CK_INLINE vf vf_select_greater(vf x, vf limit, vf a, vf b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, limit, _CMP_GT_OQ), b, a);
}
CK_INLINE vf vf_round(vf a) { return _mm512_roundscale_ps(a, 0); }
// v · 2ⁿ for a whole n that keeps the result normal.
CK_INLINE vf vf_times_power_of_two(vf v, vf n) {
  __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_mul_ps(v, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
}
