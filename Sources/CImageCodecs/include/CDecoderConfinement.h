// Shuts a decoding process in before it sees the first hostile byte.
#ifndef FIGMENT_CDECODERCONFINEMENT_H
#define FIGMENT_CDECODERCONFINEMENT_H

#include <stdint.h>

/// How far `ci_confine` got. Resource limits always hold when it is not CI_NOT_CONFINED.
typedef enum ci_confinement {
  CI_NOT_CONFINED = 0,   // a resource limit was refused
  CI_LIMITED = 1,        // limits hold; the kernel has no system call filter
  CI_FILTERED = 2        // limits hold, and only memory, reading and writing are left
} ci_confinement;

/// Closes all descriptors from 3 on, limits address space and descriptors, forbids core files, files
/// and processes, and leaves only the system calls that decoding needs; any other ends the process.
/// Irrevocable, for the calling process.
ci_confinement ci_confine(uint64_t address_space_bytes);

/// Ends this process by SIGXCPU once it has used `seconds` more of processor time. 0 on success.
int ci_limit_processor_time(uint64_t seconds);

#endif
