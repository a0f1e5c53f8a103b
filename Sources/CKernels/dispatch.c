#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CKernels.h"

#include <sched.h>

#include "isa/isa.h"

const struct ck_kernels *const *ck_available(size_t *count) {
  // Filled from scratch at each call: every caller writes the same values.
  static const struct ck_kernels *tables[4];
  size_t n = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    tables[n++] = &ck_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables[n++] = &ck_avx2;
#elif defined(__aarch64__)
  tables[n++] = &ck_neon;
#endif
  tables[n++] = &ck_scalar;
  *count = n;
  return tables;
}

int ck_available_processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}
