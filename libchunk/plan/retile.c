/* retile.c: making, sizing, opening and closing the passes of retile.h. */
#include "plan/retile.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/put.h"

/* ---- making one */

static void describe_input(chk_retile *r, int i)
{
    chk_retile_input *in = &r->in[i];
    const chk_prog_input *pi = &r->program.input[i];
    in->cut = true;
    for (int b = 0; b < pi->view.base_ndim; b++) in->cut &= pi->source->grid.axis[b].bounds == NULL;
    for (int a = 0; a < r->space.ndim; a++) in->axis[a] = chk_axis_regular(r->space.dim[a], r->space.dim[a]);
    for (int b = 0; b < pi->view.base_ndim; b++) {
        int a = pi->view.axis[b];
        if (a < 0) continue;
        in->shown[a] = true;
        if (in->cut) in->axis[a] = chk_axis_slice(&pi->source->grid.axis[b], pi->view.off[b], pi->view.step[b], r->space.dim[a]);
    }
}

/* The order of encoded chunks: in blocks of as many as cover a chunk of the first input. */
static void choose_block(chk_retile *r)
{
    for (int a = 0; a < r->space.ndim; a++) {
        int64_t in = chk_axis_max_chunk(&r->in[0].axis[a]), out = chk_axis_max_chunk(&r->grid.axis[a]);
        r->block[a] = r->encoded && r->in[0].cut && r->in[0].shown[a] && out > 0 ? (in + out - 1) / out : 1;
    }
}

chunk_status chk_retile_make(chk_retile **out, chk_program *program, int value, chk_dtype dtype, const chk_grid *grid,
                             const int64_t *block, bool encoded, chunk_error *err)
{
    chk_retile *r = chk_calloc(1, sizeof *r);
    if (!r) {
        chk_program_free(program);
        return chk_fail(err, CHUNK_ENOMEM, "out of memory while planning");
    }
    r->program = *program;
    *program = (chk_program){.n_inputs = 0};
    r->value = value;
    r->origin = r;
    r->dtype = dtype;
    r->space = r->program.space;
    r->grid = *grid;
    r->encoded = encoded;
    r->n_in = r->program.n_inputs;
    const chk_instr *root = &r->program.instr[value];
    r->copies = r->n_in == 1 && root->kind == CHK_INSTR_LOAD;
    for (int i = 0; i < r->n_in; i++) describe_input(r, i);
    if (block)
        memcpy(r->block, block, sizeof r->block);
    else
        choose_block(r);
    chunk_status st = chk_retile_list_choices(r, err);
    if (st != CHUNK_OK) {
        chk_retile_free(r);
        return st;
    }
    *out = r;
    return CHUNK_OK;
}

/* The input with the most bytes comes first: tiles are made for it. */
static void largest_first(chk_program *p)
{
    int largest = 0;
    for (int i = 1; i < p->n_inputs; i++)
        if (chk_shape_count(&p->input[i].source->shape) > chk_shape_count(&p->input[largest].source->shape)) largest = i;
    if (largest == 0) return;
    chk_prog_input t = p->input[0];
    p->input[0] = p->input[largest];
    p->input[largest] = t;
    for (int n = 0; n < p->n_instr; n++) {
        chk_instr *c = &p->instr[n];
        if (c->kind == CHK_INSTR_LOAD) c->u.input = c->u.input == 0 ? largest : c->u.input == largest ? 0 : c->u.input;
    }
}

chunk_status chk_retile_new(chk_retile **out, chk_fused *f, chunk_error *err)
{
    const chk_fused_out *o = &f->out[0];
    chk_retile *r;
    largest_first(&f->program);
    CHK_TRY(chk_retile_make(&r, &f->program, o->value, o->dtype, &f->grid, NULL, o->whole_chunks, err));
    memcpy(r->name, o->name, sizeof r->name);
    r->sink_worker_bytes = o->worker_bytes;
    r->kept_bytes = o->kept_bytes;
    r->scratch_bytes = o->scratch_bytes;
    *out = r;
    return CHUNK_OK;
}

void chk_retile_free(chk_retile *r)
{
    if (!r) return;
    chk_program_free(&r->program);
    if (r->own_sink) chk_sink_free(r->sink);
    for (int a = 0; a < CHK_MAX_NDIM; a++) chk_free(r->choice[a]);
    chk_free(r);
}

/* ---- sizing */

static void retile_size(chk_pass *p, const chk_sizing *z)
{
    chk_retile *r = p->ctx;
    uint64_t n = (uint64_t)(z->n_workers > 0 ? z->n_workers : 1), workers = 0;
    size_t work, window, kept;
    r->strip = z->block_elements < CHK_RETILE_STRIP ? z->block_elements : CHK_RETILE_STRIP;
    r->most_late = r->encoded || n < 2 ? 0 : CHK_LATE_BLOCKS;
    p->serial = false;
    p->bytes_read = 0;
    for (int i = 0; i < r->n_in; i++) {
        const chk_source *s = r->program.input[i].source;
        workers += s->worker_bytes;
        p->serial |= !s->thread_safe;
    }
    uint64_t taken = n * workers + 64 * 1024;
    chk_retile_choose(r, z->room > taken ? z->room - taken : 0, z->n_workers);
    chk_retile_bytes(r, &work, &window, &kept);
    for (int i = 0; i < r->n_in; i++)
        p->bytes_read += (uint64_t)((double)chk_source_view_bytes(r->program.input[i].source, &r->program.input[i].view) *
                                    (i == 0 && r->times > 1 ? r->times : 1));
    p->work_bytes = work;
    p->window_bytes = window;
    p->kept_bytes = kept;
    p->worker_bytes = (size_t)workers + r->sink_worker_bytes;
    p->ordered = r->encoded;
    p->bytes_written = r->own_sink ? 0 : (uint64_t)chk_shape_count(&r->space) * chk_dtype_size(r->dtype);
    p->n_tasks = chk_retile_n_tasks(r);
}

/* ---- the pass */

static void retile_sources(const chk_pass *p, chk_source_visit visit, void *arg)
{
    const chk_retile *r = p->ctx;
    for (int i = 0; i < r->n_in; i++) visit(arg, r->program.input[i].source);
}

/* A task fetches the pieces of one input after those of another. */
static int64_t retile_again(const chk_pass *p, const chk_source *s)
{
    const chk_retile *r = p->ctx;
    int64_t n = 0, n_inputs = 0;
    for (int i = 0; i < r->n_in; i++) {
        if (r->program.input[i].source != s) continue;
        n_inputs++;
        if (r->in[i].most_cells > n) n = r->in[i].most_cells;
    }
    return n_inputs < 2 ? 0 : n < CHK_HOLD_PINS ? n : CHK_HOLD_PINS;
}

static void retile_bind(chk_pass *p, int out, chk_sink *sink)
{
    (void)out;
    ((chk_retile *)p->ctx)->sink = sink;
}

/* True when the program makes `fill` of what absent chunks hold; room: of chk_program_work_bytes. */
static bool gives_fill(const chk_retile *r, const chk_scalar *absent, const chk_scalar *fill, char *room)
{
    chk_arena arena;
    chk_prog_state state;
    chk_piece piece[CHK_RETILE_INPUTS];
    const chk_piece *at[CHK_RETILE_INPUTS];
    chk_box one = {.ndim = r->space.ndim};
    chk_scalar value;
    for (int a = 0; a < one.ndim; a++) one.hi[a] = 1;
    chk_arena_init(&arena, room, chk_program_work_bytes(&r->program));
    if (!chk_prog_state_init(&state, &r->program, &arena, true)) return false;
    for (int i = 0; i < r->n_in; i++) {
        piece[i] = (chk_piece){.fill = absent[i]};
        at[i] = &piece[i];
    }
    chk_prog_out out = {.value = r->value, .dest = (char *)value.v.bytes};
    return chk_program_run(&state, at, &one, &one, &out, 1, NULL) == CHUNK_OK &&
           !memcmp(value.v.bytes, fill->v.bytes, chk_dtype_size(r->dtype));
}

/* The table of places: an address a chunk, whether it is stored, room for a program. */
size_t chk_retile_places_bytes(const chk_retile *r)
{
    size_t n = (size_t)chk_grid_n_chunks(&r->grid);
    return chk_arena_cost(n * sizeof(uint64_t)) + chk_arena_cost(n) + chk_program_work_bytes(&r->origin->program);
}

_Atomic unsigned char *chk_retile_stored(const chk_retile *r)
{
    size_t n = (size_t)chk_grid_n_chunks(&r->grid);
    return (_Atomic unsigned char *)((char *)r->places->buf.data + chk_arena_cost(n * sizeof(uint64_t)));
}

static char *program_room(const chk_retile *r)
{
    return (char *)chk_retile_stored(r) + chk_arena_cost((size_t)chk_grid_n_chunks(&r->grid));
}

/* Output chunks that need no place: no input has stored anything for them, and what is made of that is the output's fill value. */
static bool is_absent(void *arg, const chk_box *chunk)
{
    const chk_retile *stores = arg, *r = stores->origin;
    chk_scalar fill[CHK_RETILE_INPUTS];
    if (!r->program.constant_when_absent || !stores->sink->has_fill) return false;
    for (int i = 0; i < r->n_in; i++) {
        const chk_prog_input *in = &r->program.input[i];
        if (!in->source->ops->all_fill || !in->source->ops->all_fill(in->source, &in->view, chunk, &fill[i])) return false;
    }
    return gives_fill(r, fill, &stores->sink->fill, program_room(stores));
}

static chunk_status retile_open(chk_pass *p, int n_workers, chunk_error *err)
{
    chk_retile *r = p->ctx;
    (void)n_workers;
    if (!r->placed) return CHUNK_OK;
    memset((void *)chk_retile_stored(r), 0, (size_t)chk_grid_n_chunks(&r->grid));
    return r->sink->ops->place(r->sink, is_absent, r, r->places->buf.data, err);
}

static chunk_status retile_close(chk_pass *p, int *next_pass, chunk_error *err)
{
    (void)next_pass;
    const chk_retile *r = p->ctx;
    chk_sink *sink = r->sink;
    if (r->placed) CHK_TRY(sink->ops->enter(sink, r->places->buf.data, (const unsigned char *)chk_retile_stored(r), err));
    return sink->ops->finish ? sink->ops->finish(sink, err) : CHUNK_OK;
}

static void retile_free(chk_pass *p)
{
    chk_retile_free(p->ctx);
    p->ctx = NULL;
}

static void retile_describe(const chk_pass *p, char *buf, size_t size)
{
    const chk_retile *r = p->ctx;
    chk_shape tile = {.ndim = r->space.ndim};
    char text[256];
    for (int a = 0; a < tile.ndim; a++) tile.dim[a] = r->choice[a][r->at[a]].most;
    snprintf(buf, size, "store %s, by tiles %s: %s read %.3g times, %.0f reads, %.0f writes", r->name,
             chk_shape_text(text, sizeof text, &tile), r->decoded > 0 ? "chunks decoded and" : "bytes", r->times, r->reads,
             r->writes);
}

#define COMMON                                                                                                                     \
    .kind = "retile", .size = retile_size, .sources = retile_sources, .again = retile_again, .bind = retile_bind,                  \
    .open = retile_open, .run = chk_retile_run, .advise = chk_retile_advise, .close = retile_close, .free = retile_free,           \
    .describe = retile_describe
const chk_pass_ops chk_retile_ops = {COMMON};
const chk_pass_ops chk_retile_encoded_ops = {COMMON, .claim = chk_retile_claim, .write = chk_retile_write};
