/* What this process may use and does use: cores, memory. A cgroup's limits hold for everything below it, so every level up to the root is
 * asked. Reading is by plain system calls into the stack: resident memory is measured without touching the heap. */
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

static bool read_file(char *buf, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t used = 0;
    ssize_t n;
    while (used < size - 1 && (n = read(fd, buf + used, size - 1 - used)) > 0) used += (size_t)n;
    close(fd);
    buf[used] = '\0';
    return used > 0;
}

/* The cgroup's path below the mount for the controller (cgroup v1), or for the unified tree (controller ""). */
static bool cgroup_path(char *out, size_t size, const char *controller)
{
    char text[4096];
    if (!read_file(text, sizeof text, "/proc/self/cgroup")) return false;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *names = strchr(line, ':');
        char *path = names != NULL ? strchr(names + 1, ':') : NULL;
        if (path == NULL) continue;
        *path++ = '\0';
        names++;
        char *name;
        while ((name = strsep(&names, ",")) != NULL) {
            if (strcmp(name, controller) != 0) continue;
            snprintf(out, size, "%s", path);
            return true;
        }
    }
    return false;
}

/* Calls read_limit for the file in the group's folder and in each folder above it; the smallest answer counts. A path that the mount does
 * not show (containers) leaves only the root, which is then the container's own. */
static double smallest_limit(const char *mount, const char *controller, const char *file, double (*read_limit)(const char *path))
{
    char group[2048];
    double least = 1e300;
    if (!cgroup_path(group, sizeof group, controller)) return least;
    for (;;) {
        char path[4096];
        snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
        double limit = read_limit(path);
        if (limit < least) least = limit;
        char *slash = strrchr(group, '/');
        if (slash == NULL) return least;
        *slash = '\0';
    }
}

/* cpu.max: "QUOTA PERIOD" or "max PERIOD". */
static double read_cpu_max(const char *path)
{
    char text[128];
    double quota, period;
    if (!read_file(text, sizeof text, path) || sscanf(text, "%lf %lf", &quota, &period) != 2 || period <= 0) return 1e300;
    return quota / period;
}

/* cpu.cfs_quota_us, -1 for none, with the period in a file beside it. */
static double read_cfs_quota(const char *path)
{
    char text[128], period_path[4200];
    double quota, period;
    if (!read_file(text, sizeof text, path) || sscanf(text, "%lf", &quota) != 1 || quota <= 0) return 1e300;
    snprintf(period_path, sizeof period_path, "%.*s/cpu.cfs_period_us", (int)(strrchr(path, '/') - path), path);
    if (!read_file(text, sizeof text, period_path) || sscanf(text, "%lf", &period) != 1 || period <= 0) return 1e300;
    return quota / period;
}

static double read_bytes(const char *path)
{
    char text[128];
    double bytes;
    if (!read_file(text, sizeof text, path) || sscanf(text, "%lf", &bytes) != 1 || bytes <= 0) return 1e300;
    return bytes;
}

/* Machines with more than 1024 cores need a set larger than cpu_set_t. */
static int affinity_count(void)
{
    enum { MAX_CPUS = 1 << 16 };
    unsigned long mask[MAX_CPUS / (8 * sizeof(unsigned long))];
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) != 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
    return CPU_COUNT_S(sizeof mask, (cpu_set_t *)mask);
}

int chk_cpu_count(void)
{
    int n = affinity_count();
    double unified = smallest_limit("/sys/fs/cgroup", "", "cpu.max", read_cpu_max);
    double old = smallest_limit("/sys/fs/cgroup/cpu", "cpu", "cpu.cfs_quota_us", read_cfs_quota);
    double quota = unified < old ? unified : old;
    /* half a core over is worth a thread; less is not */
    if (quota < n) n = (int)(quota + 0.5);
    return n > 0 ? n : 1;
}

static int count_one(struct dl_phdr_info *info, size_t size, void *n)
{
    (void)info, (void)size;
    ++*(int *)n;
    return 0;
}

int chk_loaded_libraries(void)
{
    int n = 0;
    dl_iterate_phdr(count_one, &n);
    return n;
}

uint64_t chk_memory_allowed(void)
{
    double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double unified = smallest_limit("/sys/fs/cgroup", "", "memory.max", read_bytes);
    double old = smallest_limit("/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", read_bytes);
    if (unified < bytes) bytes = unified;
    if (old < bytes) bytes = old;
    return (uint64_t)bytes;
}

static uint64_t status_kib(const char *key)
{
    char text[4096];
    if (!read_file(text, sizeof text, "/proc/self/status")) return 0;
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

uint64_t chk_self_peak_bytes(void) { return status_kib("\nVmHWM:"); }

uint64_t chk_self_resident_bytes(void) { return status_kib("\nVmRSS:"); }
