// Confines a decoding process before it reads the first hostile byte.
#ifndef FIGMENT_CDECODERCONFINEMENT_H
#define FIGMENT_CDECODERCONFINEMENT_H

#include <stdint.h>

/// The confinement that `ci_confine` achieved. Resource limits hold unless it is CI_NOT_CONFINED.
typedef enum ci_confinement {
  CI_NOT_CONFINED = 0,   // a resource limit was refused
  CI_LIMITED = 1,        // limits hold; the kernel has no system call filter
  CI_FILTERED = 2        // limits hold; only memory, reading and writing remain allowed
} ci_confinement;

/// Closes all descriptors from 3 on, limits address space and descriptors, and forbids core files,
/// files and processes. It allows only the system calls that decoding needs; any other ends the
/// process. Irrevocable for the calling process.
ci_confinement ci_confine(uint64_t address_space_bytes);

/// Ends this process by SIGXCPU after `seconds` more of processor time. Returns 0 on success.
int ci_limit_processor_time(uint64_t seconds);

#endif
