/* thread.h: threads through a fault point, with small stacks; how many cores this process may use. Only run/ starts threads. */
#ifndef CHK_THREAD_H
#define CHK_THREAD_H

#include <pthread.h>

#include "base/status.h"

/* Virtual; what is touched of it is in the per-worker constant. The thread sanitizer keeps 768 KiB of its own in it. */
#ifdef CHUNK_SANITIZED
enum { CHK_STACK_BYTES = 2048 * 1024 };
#else
enum { CHK_STACK_BYTES = 512 * 1024 };
#endif

chunk_status chk_thread_start(pthread_t *out, void *(*fn)(void *), void *arg, const char *name, chunk_error *err);
int chk_cpu_count(void);                /* cores in the affinity mask, limited by the cgroup's quota; at least 1 */
uint64_t chk_memory_allowed(void);      /* bytes: the smaller of physical memory and the cgroup's limit */
uint64_t chk_clock_ns(void);            /* monotonic */
uint64_t chk_self_peak_bytes(void);     /* VmHWM of this process, 0 when unknown */
uint64_t chk_self_resident_bytes(void); /* VmRSS */
int chk_loaded_libraries(void);         /* the program itself included */

#endif
