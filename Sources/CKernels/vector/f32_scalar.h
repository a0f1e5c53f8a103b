// Vector vocabulary with one lane: plain C, for any processor.
#include <math.h>
#include <string.h>

typedef float vf;
typedef double vd;
#define VF_LANES 1
#define VF_PANEL_VECTORS 4

CK_INLINE vf vf_zero(void) { return 0; }
CK_INLINE vf vf_set(float x) { return x; }
CK_INLINE vf vf_load(const float *p) { return *p; }
CK_INLINE vf vf_load_first(const float *p, size_t n) { return n ? *p : 0; }
CK_INLINE void vf_store(float *p, vf v) { *p = v; }
CK_INLINE void vf_store_first(float *p, vf v, size_t n) { if (n) *p = v; }
CK_INLINE vf vf_add(vf a, vf b) { return a + b; }
CK_INLINE vf vf_multiply(vf a, vf b) { return a * b; }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return a * b + c; }
CK_INLINE float vf_sum(vf v) { return v; }
// The sums of four vectors.
CK_INLINE void vf_sum_four(vf a, vf b, vf c, vf d, float *sums) {
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

CK_INLINE vd vd_zero(void) { return 0; }
CK_INLINE vd vd_add_squares(vd sum, vf v) { return sum + (double)v * (double)v; }
CK_INLINE double vd_sum(vd v) { return v; }

CK_INLINE vf vf_subtract(vf a, vf b) { return a - b; }
CK_INLINE vf vf_divide(vf a, vf b) { return a / b; }
CK_INLINE vf vf_sqrt(vf a) { return sqrtf(a); }
CK_INLINE vf vf_max(vf a, vf b) { return a > b ? a : b; }
CK_INLINE vf vf_min(vf a, vf b) { return a < b ? a : b; }
CK_INLINE vf vf_abs(vf a) { return fabsf(a); }
CK_INLINE vf vf_copy_sign(vf size, vf sign) { return copysignf(size, sign); }
// x > limit ? a : b, and b where x is not a number.
CK_INLINE vf vf_select_greater(vf x, vf limit, vf a, vf b) { return x > limit ? a : b; }
CK_INLINE vf vf_round(vf a) { return rintf(a); }
// v · 2ⁿ for a whole n that keeps the result normal.
CK_INLINE vf vf_times_power_of_two(vf v, vf n) {
  uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return v * power;
}
