#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx2,fma"))), apply_to = function)
#include "../vector/f32_avx512.h"
#include "../vector/bits_avx512.h"
#define CK_ISA_NAME "avx512"
#define CK_TABLE ck_avx512
#include "../body/all.h"
#pragma clang attribute pop
#endif
