/* progress.c: a bar on standard error: share done, tasks, bytes, rate, time left. */
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "worker.h"

char *human_bytes(char buf[32], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int u = 0;
    while (bytes >= 1023.95 && u < 6) {
        bytes /= 1024;
        u++;
    }
    snprintf(buf, 32, u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
    return buf;
}

static void show_time(char buf[32], double seconds)
{
    if (seconds < 0 || seconds > 360000)
        snprintf(buf, 32, "--:--");
    else
        snprintf(buf, 32, "%d:%02d", (int)seconds / 60, (int)seconds % 60);
}

void show_progress(chunk_run *run)
{
    enum { WIDTH = 10 };
    chunk_progress p;
    char bar[WIDTH + 1], bytes[32], rate[32], left[32], line[200];
    chunk_run_progress(run, &p);
    double share = p.tasks_total > 0 ? fmin((double)p.tasks_done / (double)p.tasks_total, 1) : 0;
    int full = (int)(share * WIDTH);
    for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    human_bytes(rate, p.seconds > 0 ? (double)p.bytes_done / p.seconds : 0);
    show_time(left, p.seconds_left);
    human_bytes(bytes, (double)p.bytes_done);
    snprintf(line, sizeof line, "[%s] %3d %%  pass %d/%d  %llu/%llu tasks  %s  %s/s  %s left", bar, (int)(share * 100), p.pass + 1,
             p.n_passes, (unsigned long long)p.tasks_done, (unsigned long long)p.tasks_total, bytes, rate, left);
    struct winsize size;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    fprintf(stderr, "\r%.*s\033[K", columns - 1, line); /* a line that wraps could not be taken back */
    fflush(stderr);
}

void clear_progress(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
