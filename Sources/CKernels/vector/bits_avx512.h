// Vector vocabulary of the noise on AVX-512: 16 words, two vectors of 8 doubles.
typedef __m512i vu;
typedef __m512i vq;
#define VD_PER_VF 2

CK_INLINE vu vu_set(uint32_t x) { return _mm512_set1_epi32((int32_t)x); }
CK_INLINE vu vu_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
CK_INLINE void vu_store(uint32_t *p, vu v) { _mm512_storeu_si512(p, v); }
CK_INLINE vu vu_add(vu a, vu b) { return _mm512_add_epi32(a, b); }
CK_INLINE vu vu_xor(vu a, vu b) { return _mm512_xor_si512(a, b); }
#define vu_rotate(v, n) _mm512_rol_epi32((v), (n))

// Pairs of lanes 0 4 2 6 …: the order of unpacking; vd_split and vf_from_doubles use the same order.
CK_INLINE void vq_join(vu low, vu high, vq out[VD_PER_VF]) {
  out[0] = _mm512_unpacklo_epi32(low, high);
  out[1] = _mm512_unpackhi_epi32(low, high);
}
CK_INLINE void vd_split(vf v, vd out[VD_PER_VF]) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  __m512 mixed = _mm512_castpd_ps(_mm512_permutexvar_pd(order, _mm512_castps_pd(v)));
  out[0] = _mm512_cvtps_pd(_mm512_castps512_ps256(mixed));
  out[1] = _mm512_cvtps_pd(_mm512_extractf32x8_ps(mixed, 1));
}
CK_INLINE vf vf_from_doubles(const vd in[VD_PER_VF]) {
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  __m512 mixed = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(in[0])),
                                    _mm512_cvtpd_ps(in[1]), 1);
  return _mm512_castpd_ps(_mm512_permutexvar_pd(order, _mm512_castps_pd(mixed)));
}

CK_INLINE vq vq_set(uint64_t x) { return _mm512_set1_epi64((int64_t)x); }
CK_INLINE vq vq_add(vq a, vq b) { return _mm512_add_epi64(a, b); }
CK_INLINE vq vq_subtract(vq a, vq b) { return _mm512_sub_epi64(a, b); }
CK_INLINE vq vq_and(vq a, vq b) { return _mm512_and_si512(a, b); }
CK_INLINE vq vq_or(vq a, vq b) { return _mm512_or_si512(a, b); }
CK_INLINE vq vq_xor(vq a, vq b) { return _mm512_xor_si512(a, b); }
#define vq_shift_left(v, n) _mm512_slli_epi64((v), (n))
#define vq_shift_right(v, n) _mm512_srli_epi64((v), (n))

CK_INLINE vd vd_from_bits(vq v) { return _mm512_castsi512_pd(v); }
CK_INLINE vq vd_bits(vd v) { return _mm512_castpd_si512(v); }
CK_INLINE vd vd_set(double x) { return _mm512_set1_pd(x); }
CK_INLINE vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
CK_INLINE vd vd_subtract(vd a, vd b) { return _mm512_sub_pd(a, b); }
CK_INLINE vd vd_multiply(vd a, vd b) { return _mm512_mul_pd(a, b); }
CK_INLINE vd vd_divide(vd a, vd b) { return _mm512_div_pd(a, b); }
CK_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
CK_INLINE vd vd_sqrt(vd a) { return _mm512_sqrt_pd(a); }
// a where the sign bit of `sign` is set, else b.
CK_INLINE vd vd_select_sign(vq sign, vd a, vd b) {
  return _mm512_mask_blend_pd(_mm512_movepi64_mask(sign), b, a);
}
