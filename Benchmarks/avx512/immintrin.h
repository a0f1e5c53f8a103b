// The AVX-512 intrinsics that the kernels use, lane by lane in plain C after Intel's description.
// `run-tests.sh` puts this in the place of the compiler's header where a processor lacks the set.
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float __m512 __attribute__((vector_size(64)));
typedef double __m512d __attribute__((vector_size(64)));
typedef int64_t __m512i __attribute__((vector_size(64)));
typedef float __m256 __attribute__((vector_size(32)));
typedef int32_t emulated_words __attribute__((vector_size(64)));
typedef uint32_t emulated_unsigned_words __attribute__((vector_size(64)));
typedef uint64_t emulated_unsigned __attribute__((vector_size(64)));
typedef uint16_t __mmask16;
typedef uint8_t __mmask8;

#define _CMP_GT_OQ 30
#define EMULATE static inline __attribute__((always_inline, unused))
#define LANES16(expression) \
  ({ __m512 result; for (int i = 0; i < 16; ++i) result[i] = (expression); result; })
#define LANES8(expression) \
  ({ __m512d result; for (int i = 0; i < 8; ++i) result[i] = (expression); result; })

EMULATE __m512 _mm512_setzero_ps(void) { return (__m512){0}; }
EMULATE __m512d _mm512_setzero_pd(void) { return (__m512d){0}; }
EMULATE __m512 _mm512_set1_ps(float x) { return LANES16(x); }
EMULATE __m512d _mm512_set1_pd(double x) { return LANES8(x); }
EMULATE __m512i _mm512_set1_epi64(int64_t x) { return (__m512i){x, x, x, x, x, x, x, x}; }
EMULATE __m512i _mm512_set1_epi32(int32_t x) {
  return _mm512_set1_epi64((int64_t)((uint64_t)(uint32_t)x << 32 | (uint32_t)x));
}
EMULATE __m512i _mm512_setr_epi64(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e,
                                  int64_t f, int64_t g, int64_t h) {
  return (__m512i){a, b, c, d, e, f, g, h};
}

EMULATE __m512 _mm512_loadu_ps(const void *p) { __m512 v; memcpy(&v, p, 64); return v; }
EMULATE __m512i _mm512_loadu_si512(const void *p) { __m512i v; memcpy(&v, p, 64); return v; }
EMULATE void _mm512_storeu_ps(void *p, __m512 v) { memcpy(p, &v, 64); }
EMULATE void _mm512_storeu_si512(void *p, __m512i v) { memcpy(p, &v, 64); }
EMULATE __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void *p) {
  const float *from = p;
  return LANES16(mask >> i & 1 ? from[i] : 0);
}
EMULATE void _mm512_mask_storeu_ps(void *p, __mmask16 mask, __m512 v) {
  float *to = p;
  for (int i = 0; i < 16; ++i) if (mask >> i & 1) to[i] = v[i];
}

EMULATE __m512 _mm512_castpd_ps(__m512d v) { return (__m512)v; }
EMULATE __m512d _mm512_castps_pd(__m512 v) { return (__m512d)v; }
EMULATE __m512 _mm512_castsi512_ps(__m512i v) { return (__m512)v; }
EMULATE __m512i _mm512_castps_si512(__m512 v) { return (__m512i)v; }
EMULATE __m512d _mm512_castsi512_pd(__m512i v) { return (__m512d)v; }
EMULATE __m512i _mm512_castpd_si512(__m512d v) { return (__m512i)v; }
EMULATE __m256 _mm512_extractf32x8_ps(__m512 v, int half) {
  __m256 part;
  memcpy(&part, (const char *)&v + 32 * half, 32);
  return part;
}
EMULATE __m256 _mm512_castps512_ps256(__m512 v) { return _mm512_extractf32x8_ps(v, 0); }
EMULATE __m512 _mm512_insertf32x8(__m512 v, __m256 part, int half) {
  memcpy((char *)&v + 32 * half, &part, 32);
  return v;
}
// The upper half is undefined; a loud value shows its use.
EMULATE __m512 _mm512_castps256_ps512(__m256 part) {
  return _mm512_insertf32x8(_mm512_set1_ps(NAN), part, 0);
}

EMULATE __m512 _mm512_add_ps(__m512 a, __m512 b) { return a + b; }
EMULATE __m512 _mm512_sub_ps(__m512 a, __m512 b) { return a - b; }
EMULATE __m512 _mm512_mul_ps(__m512 a, __m512 b) { return a * b; }
EMULATE __m512 _mm512_div_ps(__m512 a, __m512 b) { return a / b; }
EMULATE __m512 _mm512_sqrt_ps(__m512 a) { return LANES16(sqrtf(a[i])); }
EMULATE __m512 _mm512_max_ps(__m512 a, __m512 b) { return LANES16(a[i] > b[i] ? a[i] : b[i]); }
EMULATE __m512 _mm512_min_ps(__m512 a, __m512 b) { return LANES16(a[i] < b[i] ? a[i] : b[i]); }
EMULATE __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return __builtin_elementwise_fma(a, b, c);
}
EMULATE __m512 _mm512_roundscale_ps(__m512 a, int nearest) {
  return LANES16(nearest == 0 ? rintf(a[i]) : NAN);
}
EMULATE float _mm512_reduce_add_ps(__m512 v) {
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  }
  return v[0];
}

EMULATE __m512d _mm512_add_pd(__m512d a, __m512d b) { return a + b; }
EMULATE __m512d _mm512_sub_pd(__m512d a, __m512d b) { return a - b; }
EMULATE __m512d _mm512_mul_pd(__m512d a, __m512d b) { return a * b; }
EMULATE __m512d _mm512_div_pd(__m512d a, __m512d b) { return a / b; }
EMULATE __m512d _mm512_sqrt_pd(__m512d a) { return LANES8(sqrt(a[i])); }
EMULATE __m512d _mm512_fmadd_pd(__m512d a, __m512d b, __m512d c) {
  return __builtin_elementwise_fma(a, b, c);
}
EMULATE double _mm512_reduce_add_pd(__m512d v) {
  for (int width = 4; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  }
  return v[0];
}
EMULATE __m512d _mm512_cvtps_pd(__m256 a) { return LANES8((double)a[i]); }
EMULATE __m256 _mm512_cvtpd_ps(__m512d a) {
  __m256 result;
  for (int i = 0; i < 8; ++i) result[i] = (float)a[i];
  return result;
}
EMULATE __m512i _mm512_cvtps_epi32(__m512 a) {
  emulated_words result;
  for (int i = 0; i < 16; ++i) result[i] = (int32_t)lrintf(a[i]);
  return (__m512i)result;
}
EMULATE __m512d _mm512_permutexvar_pd(__m512i order, __m512d v) { return LANES8(v[order[i] & 7]); }

EMULATE __m512i _mm512_and_si512(__m512i a, __m512i b) { return a & b; }
EMULATE __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }
EMULATE __m512i _mm512_xor_si512(__m512i a, __m512i b) { return a ^ b; }
EMULATE __m512 _mm512_and_ps(__m512 a, __m512 b) { return (__m512)((__m512i)a & (__m512i)b); }
EMULATE __m512 _mm512_or_ps(__m512 a, __m512 b) { return (__m512)((__m512i)a | (__m512i)b); }
EMULATE __m512 _mm512_andnot_ps(__m512 a, __m512 b) { return (__m512)(~(__m512i)a & (__m512i)b); }
EMULATE __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  return (__m512i)((emulated_unsigned_words)a + (emulated_unsigned_words)b);
}
EMULATE __m512i _mm512_add_epi64(__m512i a, __m512i b) {
  return (__m512i)((emulated_unsigned)a + (emulated_unsigned)b);
}
EMULATE __m512i _mm512_sub_epi64(__m512i a, __m512i b) {
  return (__m512i)((emulated_unsigned)a - (emulated_unsigned)b);
}
EMULATE __m512i _mm512_slli_epi32(__m512i a, unsigned n) {
  return (__m512i)((emulated_unsigned_words)a << n);
}
EMULATE __m512i _mm512_slli_epi64(__m512i a, unsigned n) {
  return (__m512i)((emulated_unsigned)a << n);
}
EMULATE __m512i _mm512_srli_epi64(__m512i a, unsigned n) {
  return (__m512i)((emulated_unsigned)a >> n);
}
EMULATE __m512i _mm512_rol_epi32(__m512i a, unsigned n) {
  emulated_unsigned_words words = (emulated_unsigned_words)a;
  return (__m512i)(words << n | words >> (32 - n));
}
// Within each 128 bits: the words 0 0 1 1 (low) or 2 2 3 3 (high) of the two, in turn.
EMULATE __m512i emulated_unpack(__m512i a, __m512i b, int first) {
  emulated_words from[2] = {(emulated_words)a, (emulated_words)b}, result;
  for (int i = 0; i < 16; ++i) result[i] = from[i & 1][(i & ~3) + first + (i >> 1 & 1)];
  return (__m512i)result;
}
EMULATE __m512i _mm512_unpacklo_epi32(__m512i a, __m512i b) { return emulated_unpack(a, b, 0); }
EMULATE __m512i _mm512_unpackhi_epi32(__m512i a, __m512i b) { return emulated_unpack(a, b, 2); }

EMULATE __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
  __mmask16 mask = 0;
  for (int i = 0; i < 16; ++i) mask |= (predicate == _CMP_GT_OQ && a[i] > b[i]) << i;
  return mask;
}
EMULATE __mmask8 _mm512_movepi64_mask(__m512i a) {
  __mmask8 mask = 0;
  for (int i = 0; i < 8; ++i) mask |= (a[i] < 0) << i;
  return mask;
}
EMULATE __m512 _mm512_mask_blend_ps(__mmask16 mask, __m512 a, __m512 b) {
  return LANES16(mask >> i & 1 ? b[i] : a[i]);
}
EMULATE __m512d _mm512_mask_blend_pd(__mmask8 mask, __m512d a, __m512d b) {
  return LANES8(mask >> i & 1 ? b[i] : a[i]);
}

#endif
