// Vector vocabulary with 8 lanes: AVX2 with FMA, 16 registers.
typedef __m256 vf;
typedef __m256d vd;
#define VF_LANES 8
#define VF_PANEL_VECTORS 2

static const int32_t vf_mask_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

CK_INLINE __m256i vf_mask(size_t n) {
  return _mm256_loadu_si256((const __m256i *)(vf_mask_words + 8 - n));
}
CK_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
CK_INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
CK_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
CK_INLINE vf vf_load_first(const float *p, size_t n) { return _mm256_maskload_ps(p, vf_mask(n)); }
CK_INLINE void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
CK_INLINE void vf_store_first(float *p, vf v, size_t n) { _mm256_maskstore_ps(p, vf_mask(n), v); }
CK_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
CK_INLINE vf vf_multiply(vf a, vf b) { return _mm256_mul_ps(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
CK_INLINE float vf_sum(vf v) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// The sums of four vectors, reduced together: half the instructions of four separate sums.
CK_INLINE void vf_sum_four(vf a, vf b, vf c, vf d, float *sums) {
  vf eight = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  _mm_storeu_ps(sums, _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}

CK_INLINE vd vd_zero(void) { return _mm256_setzero_pd(); }
CK_INLINE vd vd_add_squares(vd sum, vf v) {
  __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
  __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
  return _mm256_fmadd_pd(high, high, _mm256_fmadd_pd(low, low, sum));
}
CK_INLINE double vd_sum(vd v) {
  __m128d two = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

CK_INLINE vf vf_subtract(vf a, vf b) { return _mm256_sub_ps(a, b); }
CK_INLINE vf vf_divide(vf a, vf b) { return _mm256_div_ps(a, b); }
CK_INLINE vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
CK_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
CK_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
CK_INLINE vf vf_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
CK_INLINE vf vf_copy_sign(vf size, vf sign) {
  return _mm256_or_ps(size, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
// x > limit ? a : b, and b where x is not a number.
CK_INLINE vf vf_select_greater(vf x, vf limit, vf a, vf b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, limit, _CMP_GT_OQ));
}
CK_INLINE vf vf_round(vf a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// v · 2ⁿ for a whole n that keeps the result normal.
CK_INLINE vf vf_times_power_of_two(vf v, vf n) {
  __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}
