// Vector vocabulary of the noise on AVX2: 8 words, two vectors of 4 doubles.
typedef __m256i vu;
typedef __m256i vq;
#define VD_PER_VF 2

CK_INLINE vu vu_set(uint32_t x) { return _mm256_set1_epi32((int32_t)x); }
CK_INLINE vu vu_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
CK_INLINE void vu_store(uint32_t *p, vu v) { _mm256_storeu_si256((__m256i *)p, v); }
CK_INLINE vu vu_add(vu a, vu b) { return _mm256_add_epi32(a, b); }
CK_INLINE vu vu_xor(vu a, vu b) { return _mm256_xor_si256(a, b); }
CK_INLINE vu vu_rotate_bytes(vu v, const int n) {
  const __m256i two = _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                                       2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  const __m256i one = _mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
                                       3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
  return _mm256_shuffle_epi8(v, n == 16 ? two : one);
}
#define vu_rotate(v, n)                                              \
  ((n) == 16 || (n) == 8 ? vu_rotate_bytes((v), (n))                 \
                         : _mm256_or_si256(_mm256_slli_epi32((v), (n)), \
                                           _mm256_srli_epi32((v), 32 - (n))))

// Lanes 0 1 4 5 and 2 3 6 7: the order of unpacking; vd_split and vf_from_doubles use the same order.
CK_INLINE void vq_join(vu low, vu high, vq out[VD_PER_VF]) {
  out[0] = _mm256_unpacklo_epi32(low, high);
  out[1] = _mm256_unpackhi_epi32(low, high);
}
CK_INLINE void vd_split(vf v, vd out[VD_PER_VF]) {
  __m256 mixed = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xd8));
  out[0] = _mm256_cvtps_pd(_mm256_castps256_ps128(mixed));
  out[1] = _mm256_cvtps_pd(_mm256_extractf128_ps(mixed, 1));
}
CK_INLINE vf vf_from_doubles(const vd in[VD_PER_VF]) {
  __m256 mixed = _mm256_set_m128(_mm256_cvtpd_ps(in[1]), _mm256_cvtpd_ps(in[0]));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xd8));
}

CK_INLINE vq vq_set(uint64_t x) { return _mm256_set1_epi64x((int64_t)x); }
CK_INLINE vq vq_add(vq a, vq b) { return _mm256_add_epi64(a, b); }
CK_INLINE vq vq_subtract(vq a, vq b) { return _mm256_sub_epi64(a, b); }
CK_INLINE vq vq_and(vq a, vq b) { return _mm256_and_si256(a, b); }
CK_INLINE vq vq_or(vq a, vq b) { return _mm256_or_si256(a, b); }
CK_INLINE vq vq_xor(vq a, vq b) { return _mm256_xor_si256(a, b); }
#define vq_shift_left(v, n) _mm256_slli_epi64((v), (n))
#define vq_shift_right(v, n) _mm256_srli_epi64((v), (n))

CK_INLINE vd vd_from_bits(vq v) { return _mm256_castsi256_pd(v); }
CK_INLINE vq vd_bits(vd v) { return _mm256_castpd_si256(v); }
CK_INLINE vd vd_set(double x) { return _mm256_set1_pd(x); }
CK_INLINE vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
CK_INLINE vd vd_subtract(vd a, vd b) { return _mm256_sub_pd(a, b); }
CK_INLINE vd vd_multiply(vd a, vd b) { return _mm256_mul_pd(a, b); }
CK_INLINE vd vd_divide(vd a, vd b) { return _mm256_div_pd(a, b); }
CK_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
CK_INLINE vd vd_sqrt(vd a) { return _mm256_sqrt_pd(a); }
// a where the sign bit of `sign` is set, else b.
CK_INLINE vd vd_select_sign(vq sign, vd a, vd b) {
  return _mm256_blendv_pd(b, a, _mm256_castsi256_pd(sign));
}
