/* window.h: pieces of files mapped for reading, which a shortened file or a failing disk cannot turn into a crash.
 *
 * A page that cannot be had raises SIGBUS: our handler, installed at the first window and passing on what is not ours, puts a page of zeros
 * there and marks the hold as failed. Where that cannot work (network file systems, a host's handler on top of ours) there are no windows. */
#ifndef CHK_WINDOW_H
#define CHK_WINDOW_H

#include "store/source.h"

/* Ranges shorter than this are read: mapping costs more than copying them. Where other threads run, taking a mapping away interrupts their cores, which in
 * a virtual machine is dear: of 256 KiB 8,000 mappings took a half more system time than as many reads. */
enum { CHK_WINDOW_MIN = 512 * 1024 };

/* How the bytes [lo, hi) of a file are better read: by CHUNK_WINDOWS=0|1|2, a number of these, else by its file system and by whether they are in memory.
 * CHK_WINDOWS: less than half of them, so that the device decides, which windows keep busy; or it is less than 64 MiB. CHK_WINDOWS_OR_READS: reads where memory is
 * waited for (on large pages, std along axis 0 over 2 GiB took 0.085 s by reads, 0.100 through windows), else as chk_windows_pay says. */
typedef enum chk_way { CHK_READS, CHK_WINDOWS, CHK_WINDOWS_OR_READS } chk_way;
chk_way chk_way_to_read(int fd, int64_t lo, int64_t hi);
/* Whether windows are faster where computing takes longer than memory does: mean(sqrt(x*x + y*y) * sin(z)) over 6 GiB took 0.29 s through them and 0.37 by
 * reads where the kernel keeps the file in large pages, 0.53 and 0.41 where in small ones. Timed on this range once a process; not while a run goes on, as
 * it takes memory. */
bool chk_windows_pay(int fd, int64_t lo, int64_t hi);
/* What that said; true before. */
bool chk_windows_paid(void);
/* Pages that the kernel keeps together, at best: a window that begins and ends on such bounds costs two page-table entries where it would cost a
 * thousand (reading 6 GiB through windows of 4 MiB: 0.36 s of system time by single pages, 0.06 s by these). Windows at least this long get them. */
enum { CHK_WINDOW_GRANULE = 2 << 20 };
/* The most that may be resident for a window of n_bytes, wherever it begins. */
size_t chk_window_bytes(size_t n_bytes);
/* Maps [offset, offset + n_bytes) and enters it in *h. Returns the address of the first byte; NULL when there can be no window now. */
const char *chk_window_map(chk_hold *h, int fd, uint64_t offset, size_t n_bytes);
/* Unmaps all windows of h. */
void chk_window_unmap(chk_hold *h);

#endif
