#include "isa.h"

#include "../vector/f32_scalar.h"
#include "../vector/bits_scalar.h"
#define CK_ISA_NAME "scalar"
#define CK_TABLE ck_scalar
#include "../body/all.h"
