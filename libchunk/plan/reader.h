/* reader.h: values of an expression over any box, for operations that are more than elementwise: the engine's own way to say x[box] of an input.
 *
 * A reader is an expression compiled once (program.h) that any worker may evaluate over boxes of the expression's own index space. Large boxes are
 * read band by band where the data can be cut, so that what is brought in stays in the second-level cache. */
#ifndef CHK_READER_H
#define CHK_READER_H

#include "plan/program.h"

enum { CHK_READER_VALUES = 2 };

typedef struct chk_reader {
    chk_program program;
    int value[CHK_READER_VALUES], n_values;
    chk_dtype dtype[CHK_READER_VALUES];
    bool cuttable;               /* boxes may be read in bands at no extra cost */
    int64_t halo;                /* the largest of its sources */
    bool overlaps;               /* bands have work in common: as few of them as will do */
    chk_node *node;              /* counted: owns what grid borrows */
    chk_grid grid;               /* of the expression: bands keep to its chunks where those are large */
    int64_t band[CHK_MAX_NDIM];  /* set by chk_reader_need: what is read at once */
    bool by_chunk[CHK_MAX_NDIM]; /* and whether it ends where a chunk ends */
} chk_reader;

/* Compiles node; values of earlier passes are found by lookup. */
chunk_status chk_reader_init(chk_reader *r, const chk_node *node, chk_prog_lookup lookup, void *arg, chunk_error *err);
/* Several expressions of one shape that are read together, what they share once. */
chunk_status chk_reader_init_all(chk_reader *r, chk_node *const *nodes, int n, chk_prog_lookup lookup, void *arg, chunk_error *err);
void chk_reader_done(chk_reader *r);
/* What one read of a box of at most `extent` needs; all of it only during the read (transient and window; arena is 0). Sizes r for such boxes. */
void chk_reader_need(chk_reader *r, const int64_t *extent, chk_need *out);
/* The one source that r gives unchanged, seen through *view; NULL where r computes anything. Or, *constant set, it is one value everywhere. */
chk_source *chk_reader_plain(const chk_reader *r, const chk_view **view, const chk_scalar **constant);
/* Writes the values in `box` to dest: C order, stride[a] bytes an axis (NULL: dense), the last one the element's size. The arena is as it was on return.
 * hold: the books of the caller (bytes and times are added); nothing is left in it to release. */
chunk_status chk_reader_read(const chk_reader *r, const chk_box *box, void *dest, const int64_t *stride, chk_arena *arena,
                             chk_hold *hold, chunk_error *err);
/* All values of the reader, each dense to its dest. */
chunk_status chk_reader_read_all(const chk_reader *r, const chk_box *box, void *const *dest, chk_arena *arena, chk_hold *hold,
                                 chunk_error *err);
void chk_reader_advise(const chk_reader *r, const chk_box *box); /* this box is read soon */
void chk_reader_sources(const chk_reader *r, void (*visit)(void *arg, chk_source *s),
                        void *arg); /* of the program; not what lies below them */
/* Sums over the sources: bytes that reading all of it brings in, codec state of a worker; and whether workers may read at the same time. */
uint64_t chk_reader_stored_bytes(const chk_reader *r);
size_t chk_reader_worker_bytes(const chk_reader *r);
bool chk_reader_thread_safe(const chk_reader *r);

/* Elements of a box of these extents, and bytes; saturating, so that sizes beyond all memory are refused and not wrapped. */
int64_t chk_extent_count(int ndim, const int64_t *extent);
size_t chk_extent_bytes(int ndim, const int64_t *extent, chk_dtype d);

#endif
