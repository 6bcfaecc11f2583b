/* profile.c: where a run's time went, pass by pass, as an aligned table and as JSON. Times are summed over the workers, so they may exceed the
 * wall time; wait is idle time plus waiting for a turn. */
#include "run/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static double sec(uint64_t ns) { return (double)ns * 1e-9; }

static double rate(const chk_pass_cost *c)
{
    return c->ns_wall ? (double)(c->stats.bytes_read + c->stats.bytes_written + c->stats.bytes_spilled) / (double)c->ns_wall : 0;
}

static void table_row(FILE *f, const char *name, const chk_pass_cost *c)
{
    const chk_task_stats *s = &c->stats;
    char peak[32];
    fprintf(f, "%-32.95s %10llu %8.3f %8.3f %8.3f %8.3f %8.3f %8.3f %8.3f %7.2f %12s\n", name, (unsigned long long)c->tasks,
            sec(c->ns_wall), sec(s->ns_read), sec(s->ns_decode), sec(s->ns_compute), sec(s->ns_encode), sec(s->ns_write),
            sec(c->ns_idle), rate(c), chk_bytes_text(peak, sizeof peak, c->ledger_peak));
}

static void json_text(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20)
            fprintf(f, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

static void json_numbers(FILE *f, const chk_pass_cost *c)
{
    const chk_task_stats *s = &c->stats;
    fprintf(f,
            "\"tasks\": %llu, \"rounds\": %llu, \"seconds\": %.6f, \"read\": %.6f, \"decode\": %.6f, \"compute\": %.6f, "
            "\"encode\": %.6f, \"write\": %.6f, "
            "\"wait\": %.6f, \"gb_per_second\": %.3f, \"bytes_read\": %llu, \"bytes_written\": %llu, \"bytes_spilled\": %llu, "
            "\"peak_bytes\": %llu",
            (unsigned long long)c->tasks, (unsigned long long)c->rounds, sec(c->ns_wall), sec(s->ns_read), sec(s->ns_decode),
            sec(s->ns_compute), sec(s->ns_encode), sec(s->ns_write), sec(c->ns_idle), rate(c), (unsigned long long)s->bytes_read,
            (unsigned long long)s->bytes_written, (unsigned long long)s->bytes_spilled, (unsigned long long)c->ledger_peak);
}

static void print(FILE *f, const chk_exec *e, const chk_pass_cost *total, bool json)
{
    if (json) {
        fprintf(f, "{\"workers\": %d, \"passes\": [", e->n_workers);
        for (int i = 0; i < e->plan->n_passes; i++) {
            fputs(i ? ", {\"name\": " : "{\"name\": ", f);
            json_text(f, e->plan->pass[i].name);
            fputs(", ", f);
            json_numbers(f, &e->cost[i]);
            fputc('}', f);
        }
        fputs("], \"total\": {", f);
        json_numbers(f, total);
        fputs("}}", f);
        return;
    }
    fprintf(f, "%-32s %10s %8s %8s %8s %8s %8s %8s %8s %7s %12s\n", "pass", "tasks", "seconds", "read", "decode", "compute",
            "encode", "write", "wait", "GB/s", "peak");
    for (int i = 0; i < e->plan->n_passes; i++) table_row(f, e->plan->pass[i].name, &e->cost[i]);
    table_row(f, "total", total);
}

char *chk_exec_profile(chk_exec *e, bool json)
{
    if (!e->cost || !chk_exec_wait(e, 0)) return NULL;
    chk_pass_cost total = e->total;
    total.ledger_peak = e->ledger_peak;
    char *text = NULL, *out = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    print(f, e, &total, json);
    if (fclose(f) == 0) out = chk_strndup(text, size);
    free(text);
    return out;
}
