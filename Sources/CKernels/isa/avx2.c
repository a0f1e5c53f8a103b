#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../vector/f32_avx2.h"
#include "../vector/bits_avx2.h"
#define CK_ISA_NAME "avx2"
#define CK_TABLE ck_avx2
#include "../body/all.h"
#pragma clang attribute pop
#endif
