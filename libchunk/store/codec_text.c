/* Filter lists as people write them: "gzip=4,shuffle". They are sets: whatever the order, shuffle comes first and the checksum last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/codec.h"

/* One word and what it becomes; fill sets id, flags and parameters. */
typedef struct filter_word {
    const char *word;
    int id;
    int rank;               /* place in the pipeline: shuffle 0, the one compressor 1, checksum 2 */
    int least, most, usual; /* its level; most 0: takes none */
    bool optional;
} filter_word;

static const filter_word words[] = {
    {"shuffle", CHK_FILTER_SHUFFLE, 0, 0, 0, 0, true},
    {"gzip", CHK_FILTER_DEFLATE, 1, 0, 9, 4, true},
    {"lz4", CHK_FILTER_LZ4, 1, 0, 0, 0, true},
    {"zstd", CHK_FILTER_ZSTD, 1, 1, 22, 3, true},
    {"bitshuffle", CHK_FILTER_BITSHUFFLE, 1, 0, 0, 0, true},
    {"fletcher32", CHK_FILTER_FLETCHER32, 2, 0, 0, 0, false},
};
enum { N_WORDS = sizeof words / sizeof *words, N_RANKS = 3 };

static chk_filter make_filter(const filter_word *w, int level, size_t item_bytes)
{
    chk_filter f = {.id = w->id, .optional = w->optional};
    snprintf(f.name, sizeof f.name, "%s", w->word);
    switch (w->id) {
    case CHK_FILTER_SHUFFLE: f.n_cd = 1, f.cd[0] = (unsigned)item_bytes; break;
    case CHK_FILTER_LZ4: f.n_cd = 1; break; /* block size 0: one block a chunk */
    case CHK_FILTER_BITSHUFFLE:             /* version 0.4, element size, default block size, LZ4 */
        f.n_cd = 5, f.cd[1] = 4, f.cd[2] = (unsigned)item_bytes, f.cd[4] = 2;
        break;
    default:
        if (w->most > 0) f.n_cd = 1, f.cd[0] = (unsigned)level;
    }
    return f;
}

static chunk_status parse_word(chk_filter *out, int *rank, const char *text, size_t n, size_t item_bytes, chunk_error *err)
{
    const char *eq = memchr(text, '=', n);
    size_t len = eq != NULL ? (size_t)(eq - text) : n;
    for (int i = 0; i < N_WORDS; i++) {
        const filter_word *w = &words[i];
        if (strlen(w->word) != len || memcmp(w->word, text, len) != 0) continue;
        int level = w->usual;
        if (eq != NULL && w->most == 0) return chk_fail(err, CHUNK_EINVAL, "filter: %s takes no level", w->word);
        if (eq != NULL) {
            size_t digits = n - len - 1;
            level = digits >= 1 && digits <= 2 && strspn(eq + 1, "0123456789") >= digits ? atoi(eq + 1) : -1;
            if (level < w->least || level > w->most)
                return chk_fail(err, CHUNK_EINVAL, "filter: %s takes a level from %d to %d, not '%.*s'", w->word, w->least, w->most,
                                (int)digits, eq + 1);
        }
        *rank = w->rank;
        *out = make_filter(w, level, item_bytes);
        return CHUNK_OK;
    }
    return chk_fail(err, CHUNK_EINVAL,
                    "filter: '%.*s' is none of shuffle, gzip=0..9, lz4, zstd=1..22, bitshuffle, fletcher32, none", (int)n, text);
}

chunk_status chk_pipeline_parse(chk_pipeline *out, const char *text, size_t item_bytes, chunk_error *err)
{
    chk_filter of_rank[N_RANKS] = {0};
    chk_pipeline p = {.native = true, .writable = true, .item_bytes = item_bytes};
    bool none = strcmp(text, "none") == 0;
    for (const char *at = text; !none; at++) {
        chk_filter f;
        int rank = 0;
        size_t n = strcspn(at, ",");
        if (n == 4 && memcmp(at, "none", 4) == 0)
            return chk_fail(err, CHUNK_EINVAL, "filter: none stands alone, without other filters");
        CHK_TRY(parse_word(&f, &rank, at, n, item_bytes, err));
        if (of_rank[rank].id == f.id) return chk_fail(err, CHUNK_EINVAL, "filter: %s is given twice", f.name);
        if (of_rank[rank].id != 0)
            return chk_fail(err, CHUNK_EINVAL, "filter: %s and %s both compress; give one", of_rank[rank].name, f.name);
        of_rank[rank] = f;
        at += n;
        if (*at == '\0') break;
    }
    if (of_rank[0].id == CHK_FILTER_SHUFFLE && of_rank[1].id == CHK_FILTER_BITSHUFFLE)
        return chk_fail(err, CHUNK_EINVAL, "filter: bitshuffle shuffles already; leave shuffle out");
    for (int r = 0; r < N_RANKS; r++) {
        if (of_rank[r].id != 0) p.filter[p.n++] = of_rank[r];
    }
    *out = p;
    return CHUNK_OK;
}

static bool has_level(const chk_filter *f) { return f->n_cd > 0 && (f->id == CHK_FILTER_DEFLATE || f->id == CHK_FILTER_ZSTD); }

char *chk_pipeline_text(char *buf, size_t size, const chk_pipeline *p)
{
    snprintf(buf, size, "%s", p->n == 0 ? "none" : "");
    for (int i = 0; i < p->n; i++) {
        const chk_filter *f = &p->filter[i];
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%s", i > 0 ? "," : "", f->name);
        used = strlen(buf);
        if (has_level(f)) snprintf(buf + used, size - used, "=%u", f->cd[0]);
    }
    return buf;
}
