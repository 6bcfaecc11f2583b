#include "store/space.h"

#include <fcntl.h>
#include <sys/resource.h>

bool chk_space_allocate(int fd, uint64_t from, uint64_t to)
{
    struct rlimit most;
    return getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur == RLIM_INFINITY &&
           fallocate(fd, 0, (off_t)from, (off_t)(to - from)) == 0;
}
