// What every instruction set's file begins with.
#ifndef CK_ISA_H
#define CK_ISA_H

#include "CKernels.h"

// Bodies become one function per table entry: constants such as the tile width must fold.
#define CK_INLINE static inline __attribute__((always_inline))
#define CK_UNROLL _Pragma("clang loop unroll(full)")
// Short trips leave a loop where the processor foresees it.
#define CK_UNROLL_FOUR _Pragma("clang loop unroll_count(4)")

extern const struct ck_kernels ck_scalar;
#if defined(__x86_64__)
extern const struct ck_kernels ck_avx2, ck_avx512;
#elif defined(__aarch64__)
extern const struct ck_kernels ck_neon;
#endif

#endif
