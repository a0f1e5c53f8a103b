// The common beginning of every instruction set's file.
#ifndef CK_ISA_H
#define CK_ISA_H

#include "CKernels.h"

// Bodies become one function per table entry, so constants such as the tile width must fold.
#define CK_INLINE static inline __attribute__((always_inline))
#define CK_UNROLL _Pragma("clang loop unroll(full)")
// Short loops end where the branch predictor expects it.
#define CK_UNROLL_FOUR _Pragma("clang loop unroll_count(4)")

extern const struct ck_kernels ck_scalar;
#if defined(__x86_64__)
extern const struct ck_kernels ck_avx2, ck_avx512;
#elif defined(__aarch64__)
extern const struct ck_kernels ck_neon;
#endif

#endif
