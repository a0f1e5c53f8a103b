#include "CDecoderConfinement.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIGMENT_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FIGMENT_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

static int set_limit(int resource, uint64_t value) {
  struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
  return setrlimit(resource, &limit);
}

int ci_limit_processor_time(uint64_t seconds) {
  struct rusage used;
  struct rlimit limit;
  if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) return -1;
  // Whole seconds, plus one for the fractions that are truncated.
  limit.rlim_cur = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + seconds + 2;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
  }
  return setrlimit(RLIMIT_CPU, &limit);
}

// The address sanitizer reserves terabytes of addresses without using that memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIGMENT_HAS_ADDRESS_SANITIZER
#endif
#endif

#ifdef FIGMENT_AUDIT_ARCH

// The third argument of mmap and mprotect; its low half on both byte orders that we build for.
#define PROTECTION_OFFSET (offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t))

#define ALLOW(name) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// Memory may be mapped, but never made executable.
#define ALLOW_UNLESS_EXECUTABLE(name) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 4), \
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROTECTION_OFFSET), \
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int filter_system_calls(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FIGMENT_AUDIT_ARCH, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(read),
      ALLOW(write),
      ALLOW_UNLESS_EXECUTABLE(mmap),
      ALLOW_UNLESS_EXECUTABLE(mprotect),
      ALLOW(munmap),
      ALLOW(mremap),
      ALLOW(brk),
      ALLOW(madvise),
      ALLOW(futex),
      ALLOW(getrusage),
      ALLOW(prlimit64),
#ifdef __NR_getrlimit
      ALLOW(getrlimit),
      ALLOW(setrlimit),
#endif
      ALLOW(clock_gettime),
      ALLOW(getrandom),
      ALLOW(getpid),
      ALLOW(gettid),
      ALLOW(tgkill),  // abort(): a process may still end itself
      ALLOW(rt_sigprocmask),
      ALLOW(rt_sigaction),
      ALLOW(rt_sigreturn),
      ALLOW(sched_yield),
      ALLOW(sysinfo),  // qsort() queries the memory size before it sorts libtiff's fields
      ALLOW(restart_syscall),
      ALLOW(close),
      ALLOW(exit),
      ALLOW(exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {
      .len = (unsigned short)(sizeof rules / sizeof rules[0]), .filter = rules};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#else

static int filter_system_calls(void) { return -1; }

#endif

static void close_inherited(void) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
#endif
  for (int descriptor = 3; descriptor < 4096; descriptor += 1) close(descriptor);
}

ci_confinement ci_confine(uint64_t address_space_bytes) {
  close_inherited();
  // lcms2 queries the date; for that, the C library reads the time zone from a file once.
  tzset();
  prctl(PR_SET_DUMPABLE, 0);
#ifdef FIGMENT_HAS_ADDRESS_SANITIZER
  address_space_bytes = RLIM_INFINITY;
#endif
  if (set_limit(RLIMIT_AS, address_space_bytes) != 0 || set_limit(RLIMIT_CORE, 0) != 0 ||
      set_limit(RLIMIT_NOFILE, 8) != 0 || set_limit(RLIMIT_FSIZE, 0) != 0 ||
      set_limit(RLIMIT_NPROC, 0) != 0) {
    return CI_NOT_CONFINED;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return CI_LIMITED;
  return filter_system_calls() == 0 ? CI_FILTERED : CI_LIMITED;
}
