#include "isa.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "../vector/f32_neon.h"
#include "../vector/bits_neon.h"
#define CK_ISA_NAME "neon"
#define CK_TABLE ck_neon
#include "../body/all.h"
#endif
