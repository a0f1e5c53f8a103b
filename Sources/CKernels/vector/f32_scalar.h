// Vocabulary of one lane: plain C, for any processor.
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

CK_INLINE vd vd_zero(void) { return 0; }
CK_INLINE vd vd_add_squares(vd sum, vf v) { return sum + (double)v * (double)v; }
CK_INLINE double vd_sum(vd v) { return v; }
