// Vector vocabulary of the noise: words, 64-bit patterns and doubles. vu has VF_LANES 32-bit lanes,
// stored in two vq or vd (one in this file, which has one lane).
typedef uint32_t vu;
typedef uint64_t vq;
#define VD_PER_VF 1

CK_INLINE vu vu_set(uint32_t x) { return x; }
CK_INLINE vu vu_load(const uint32_t *p) { return *p; }
CK_INLINE void vu_store(uint32_t *p, vu v) { *p = v; }
CK_INLINE vu vu_add(vu a, vu b) { return a + b; }
CK_INLINE vu vu_xor(vu a, vu b) { return a ^ b; }
#define vu_rotate(v, n) (((v) << (n)) | ((v) >> (32 - (n))))

CK_INLINE void vq_join(vu low, vu high, vq out[VD_PER_VF]) { out[0] = (uint64_t)high << 32 | low; }
CK_INLINE void vd_split(vf v, vd out[VD_PER_VF]) { out[0] = (double)v; }
CK_INLINE vf vf_from_doubles(const vd in[VD_PER_VF]) { return (float)in[0]; }

CK_INLINE vq vq_set(uint64_t x) { return x; }
CK_INLINE vq vq_add(vq a, vq b) { return a + b; }
CK_INLINE vq vq_subtract(vq a, vq b) { return a - b; }
CK_INLINE vq vq_and(vq a, vq b) { return a & b; }
CK_INLINE vq vq_or(vq a, vq b) { return a | b; }
CK_INLINE vq vq_xor(vq a, vq b) { return a ^ b; }
#define vq_shift_left(v, n) ((v) << (n))
#define vq_shift_right(v, n) ((v) >> (n))

CK_INLINE vd vd_from_bits(vq v) {
  double d;
  memcpy(&d, &v, sizeof d);
  return d;
}
CK_INLINE vq vd_bits(vd v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
CK_INLINE vd vd_set(double x) { return x; }
CK_INLINE vd vd_add(vd a, vd b) { return a + b; }
CK_INLINE vd vd_subtract(vd a, vd b) { return a - b; }
CK_INLINE vd vd_multiply(vd a, vd b) { return a * b; }
CK_INLINE vd vd_divide(vd a, vd b) { return a / b; }
CK_INLINE vd vd_fma(vd a, vd b, vd c) { return a * b + c; }
CK_INLINE vd vd_sqrt(vd a) { return sqrt(a); }
// a where the sign bit of `sign` is set, else b.
CK_INLINE vd vd_select_sign(vq sign, vd a, vd b) { return sign >> 63 ? a : b; }
