#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CKernels.h"

#include <sched.h>

#include "isa/isa.h"

const struct ck_kernels *const *ck_available(size_t *count) {
  // Filled again by each call; every caller writes the same values.
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

int ck_current_processor(void) { return sched_getcpu(); }

int ck_leave_processors(const int *taken, size_t count) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  cpu_set_t rest = allowed;
  for (size_t i = 0; i < count; i++) {
    if (taken[i] >= 0 && taken[i] < CPU_SETSIZE) CPU_CLR(taken[i], &rest);
  }
  if (CPU_COUNT(&rest) == 0 || sched_setaffinity(0, sizeof rest, &rest) != 0) return 0;
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
}
