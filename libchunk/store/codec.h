/* codec.h: HDF5 filter pipelines, decoded and encoded in the caller's thread into the caller's buffers.
 *
 * Native: shuffle (2), deflate (1), Fletcher32 (3), LZ4 (32004), Bitshuffle with or without LZ4 (32008), Zstandard (32015), in any order
 * that HDF5 allows. A pipeline with anything else is not native and goes through H5Dread. */
#ifndef CHK_CODEC_H
#define CHK_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    CHK_FILTER_DEFLATE = 1,
    CHK_FILTER_SHUFFLE = 2,
    CHK_FILTER_FLETCHER32 = 3,
    CHK_FILTER_LZ4 = 32004,
    CHK_FILTER_BITSHUFFLE = 32008,
    CHK_FILTER_ZSTD = 32015,
    CHK_MAX_FILTERS = 8,
    CHK_MAX_CD = 8
};

typedef struct chk_filter {
    int id;
    bool optional; /* HDF5 may have skipped it for a chunk */
    unsigned n_cd;
    unsigned cd[CHK_MAX_CD];
    char name[32]; /* "gzip", "shuffle", "fletcher32", "lz4", "bitshuffle", "zstd", else HDF5's name or the number */
} chk_filter;

typedef struct chk_pipeline {
    int n; /* filters in the order in which they are applied on writing */
    chk_filter filter[CHK_MAX_FILTERS];
    bool native;   /* every filter is one that this file decodes */
    bool writable; /* every filter is one that this file encodes */
    size_t item_bytes;
} chk_pipeline;

/* "gzip=4,shuffle", "lz4", "zstd=3", "bitshuffle" (with LZ4), "fletcher32", "none"; a set: shuffle goes first, fletcher32 last.
 * gzip takes 0..9 (4), zstd 1..22 (3). Two compressors at once are an error. */
chunk_status chk_pipeline_parse(chk_pipeline *out, const char *text, size_t item_bytes, chunk_error *err);
char *chk_pipeline_text(char *buf, size_t size, const chk_pipeline *p); /* "shuffle,gzip=4" or "none"; returns buf */
/* Sets native, writable and the names of known filters from the filters' ids and parameters: for pipelines read from a file. */
void chk_pipeline_settle(chk_pipeline *p);

/* Most bytes that a chunk of raw_bytes can take once encoded, by any conforming writer; longer stored chunks are refused as corrupt. */
size_t chk_pipeline_stored_bound(const chk_pipeline *p, size_t raw_bytes);
/* Scratch that decode and encode need besides input and output. */
size_t chk_pipeline_decode_scratch(const chk_pipeline *p, size_t raw_bytes, bool keep_planes);
size_t chk_pipeline_encode_scratch(const chk_pipeline *p, size_t raw_bytes);

/* Decodes one stored chunk. mask: HDF5's filter mask (bit i set: filter i was skipped). out has raw_bytes and does not overlap in.
 * keep_planes: when the shuffle is the last thing to undo (filter 0 of the pipeline), leave it undone and set *planes: element i's byte b is
 * then out[b * (raw_bytes / item_bytes) + i]. Errors say "corrupt" in words with sizes; the caller adds file, dataset and chunk. */
chunk_status chk_pipeline_decode(const chk_pipeline *p, uint32_t mask, void *out, size_t raw_bytes, const void *in, size_t in_bytes,
                                 void *scratch, size_t scratch_bytes, bool keep_planes, bool *planes, chunk_error *err);
/* Encodes raw_bytes into out (cap >= chk_pipeline_stored_bound). A compressor that does not shrink the chunk is skipped and its bit set in
 * *mask, as HDF5 does with optional filters. The same input gives the same bytes always. */
chunk_status chk_pipeline_encode(const chk_pipeline *p, uint32_t *mask, void *out, size_t cap, size_t *out_bytes, const void *in,
                                 size_t raw_bytes, void *scratch, size_t scratch_bytes, chunk_error *err);
/* True when encode may be called with in == out; a pipeline with one filter that moves bytes needs them apart. */
bool chk_pipeline_encodes_in_place(const chk_pipeline *p);
/* Per-thread codec state (libdeflate, zstd contexts) is made on first use and freed by this; workers call it when they end. */
void chk_codec_thread_done(void);
/* What codec state costs a worker that uses this pipeline for chunks of raw_bytes, bytes; part of the plan's per-worker costs. */
size_t chk_pipeline_worker_bytes(const chk_pipeline *p, size_t raw_bytes, bool encode);

#endif
