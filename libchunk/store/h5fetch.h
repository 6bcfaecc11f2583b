/* h5fetch.h: one fetch of boxes from an HDF5 dataset at work: reading and decoding chunks, assembling boxes. For the files of source_h5. */
#ifndef CHK_H5FETCH_H
#define CHK_H5FETCH_H

#include <sys/uio.h>

#include "store/boxes.h"
#include "store/h5read.h"
#include "store/tiles.h"

/* Stored chunks are read this many bytes at a time where several lie side by side; unfiltered data is gathered in pieces of this. */
enum { CHK_FETCH_BATCH = 256 * 1024 };

/* Lives during one call of fetch, in its thread. The buffers are transient. */
typedef struct chk_h5fetch {
    chk_h5set *set;
    const chk_view *view;
    chk_hold *hold;
    bool copies;  /* some boxes are assembled: `decoded`, or `stored` for unfiltered data, may be used for it */
    bool little;  /* chunks are decoded for less than half of them: they stay shuffled, and only what is copied is put together */
    char *stored; /* stored bytes, [stored_at, stored_at + n_stored) of the file */
    size_t stored_cap, n_stored;
    uint64_t stored_at;
    void *scratch;
    size_t scratch_bytes;
    char *decoded;          /* the last chunk decoded for copying */
    uint64_t decoded_addr;  /* where that one is stored; UINT64_MAX: none */
    const char *decoded_at; /* in that buffer, or a tile */
    bool decoded_planes;    /* it is still shuffled */
    chk_tiles *tiles;       /* NULL: none */
    int tile;               /* the one that decoded_at lies in, pinned; -1: none */
    unsigned char fill[16]; /* one element as stored */
} chk_h5fetch;

/* Transient bytes for fetching n boxes. */
size_t chk_h5fetch_transient(const chk_h5set *set, int64_t n_boxes, bool copies, bool little);
/* Sets up buffers in `room` of that many bytes. */
void chk_h5fetch_init(chk_h5fetch *f, chk_h5set *set, const chk_view *view, chk_hold *hold, size_t n_boxes, bool copies,
                      bool little, void *room);

/* Reads n bytes at offset, through the fault points; the end of the file is an error. */
chunk_status chk_h5fetch_read(chk_h5fetch *f, void *out, size_t n_bytes, uint64_t offset, chunk_error *err);
/* The same for many short reads, whose time the caller takes; into one place, or several pieces one after the other, which are changed. */
chunk_status chk_h5fetch_read_untimed(chk_h5fetch *f, void *out, size_t n_bytes, uint64_t offset, chunk_error *err);
chunk_status chk_h5fetch_readv_untimed(chk_h5fetch *f, struct iovec *piece, int n, uint64_t offset, chunk_error *err);
/* Decodes the chunk into out (chunk_bytes). more: its successors (n_more) that may be read together with it when they lie behind it.
 * planes as in codec.h; NULL: the shuffle is undone. */
chunk_status chk_h5fetch_decode(chk_h5fetch *f, void *out, const chk_extent *chunk, const int64_t *coord, const chk_extent *more,
                                size_t n_more, bool *planes, chunk_error *err);
/* The chunk's tile, pinned, decoded into it if need be; *slot -1: there is none to be had. The caller puts it back. */
chunk_status chk_h5fetch_tile(chk_h5fetch *f, int *slot, const chk_extent *chunk, const int64_t *coord, const chk_extent *more,
                              size_t n_more, chunk_error *err);
void chk_h5fetch_done(chk_h5fetch *f); /* puts the tile of the last decoded chunk back */
/* Assembles a box, however many chunks it touches, in dst with the strides of chk_dense_strides, elements as stored. */
chunk_status chk_h5fetch_dense(chk_h5fetch *f, char *dst, const int64_t *stride, const chk_box *box, chunk_error *err);
/* The same (not empty) of an unfiltered chunked dataset through a view that slices it without steps, any strides. */
chunk_status chk_h5fetch_direct(chk_h5fetch *f, char *dest, const int64_t *stride, const chk_box *box, chunk_error *err);

#endif
