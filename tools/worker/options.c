/* options.c: the command line by a table of options. Names are exact (no abbreviations), values follow as "--name value", "--name=value",
 * "-o value" or "-ovalue"; operands may stand between options; "--" ends them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

bool has_json(char **args)
{
    for (; *args != NULL; args++)
        if (strcmp(*args, "--json") == 0) return true;
    return false;
}

/* A number of bytes: digits, then nothing, KiB MiB GiB TiB (1024) or KB MB GB TB (1000). */
bool parse_size(uint64_t *out, const char *text)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {
        {"", 1},         {"KiB", 1ull << 10}, {"MiB", 1ull << 20},   {"GiB", 1ull << 30},      {"TiB", 1ull << 40},
        {"KB", 1000ull}, {"MB", 1000000ull},  {"GB", 1000000000ull}, {"TB", 1000000000000ull},
    };
    uint64_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n)) return false;
    if (p == text) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(p, units[i].unit) == 0) return !__builtin_mul_overflow(n, units[i].bytes, out) && *out <= INT64_MAX;
    return false;
}

static bool parse_int(int64_t *out, const char **text, int64_t max)
{
    int64_t n = 0;
    const char *p = *text;
    for (; *p >= '0' && *p <= '9'; p++)
        if ((n = n * 10 + (*p - '0')) > max) return false;
    if (p == *text || n < 1) return false;
    *text = p;
    *out = n;
    return true;
}

/* "1024x1024" */
static bool parse_shape(option_shape *out, const char *text)
{
    option_shape s = {0};
    for (;;) {
        if (s.ndim == CHUNK_MAX_NDIM || !parse_int(&s.extent[s.ndim++], &text, INT64_MAX / 20)) return false;
        if (*text == 0) break;
        if (*text++ != 'x') return false;
    }
    *out = s;
    return true;
}

static void list_add(option_list *l, const char *s)
{
    const char **grown = need_memory((size_t)l->n + 1, sizeof *grown);
    if (l->n > 0) memcpy(grown, l->item, (size_t)l->n * sizeof *grown);
    free(l->item);
    grown[l->n++] = s;
    l->item = grown;
}

static int read_value(const verdict *v, const option *o, const char *value)
{
    int64_t n;
    const char *p = value;
    chunk_error err = {0};
    switch (o->kind) {
    case OPTION_TEXT: *(const char **)o->into = value; return *value != 0 ? 0 : fail(v, EXIT_USAGE, 0, "%s needs a value", o->name);
    case OPTION_ONCE:
        if (*(const char **)o->into != NULL) return fail(v, EXIT_USAGE, 0, "%s is given twice", o->name);
        *(const char **)o->into = value;
        return 0;
    case OPTION_LIST: list_add(o->into, value); return 0;
    case OPTION_SIZE:
        if (parse_size(o->into, value)) return 0;
        return fail(v, EXIT_USAGE, 0,
                    "%s '%s': not a size; write bytes, or a number with KiB MiB GiB TiB (1024) or KB MB GB TB (1000)", o->name,
                    value);
    case OPTION_INT:
        if (!parse_int(&n, &p, 1024) || *p != 0)
            return fail(v, EXIT_USAGE, 0, "%s '%s': not a number from 1 to 1024", o->name, value);
        *(int *)o->into = (int)n;
        return 0;
    case OPTION_SHAPE:
        if (parse_shape(o->into, value)) return 0;
        return fail(v, EXIT_USAGE, 0, "%s '%s': not a shape; write it as 1024x1024", o->name, value);
    case OPTION_FILTER:
        *(const char **)o->into = value;
        if (chunk_check_filter(value, &err) == CHUNK_OK) return 0;
        return fail(v, EXIT_USAGE, 0, "%s '%s': %s", o->name, value, err.text + (strncmp(err.text, "filter: ", 8) == 0 ? 8 : 0));
    default: return 0;
    }
}

/* The option that arg names; *value: what is attached to it, or NULL. */
static const option *find_option(const option *options, const char *arg, const char **value)
{
    size_t n = strcspn(arg, "=");
    *value = NULL;
    for (const option *o = options; o->name != NULL; o++) {
        if (strlen(o->name) == n && strncmp(o->name, arg, n) == 0 && arg[1] == '-') {
            *value = arg[n] == '=' ? arg + n + 1 : NULL;
            return o;
        }
        if (o->other == NULL || strncmp(o->other, arg, 2) != 0) continue;
        bool flag = o->kind == OPTION_FLAG || o->kind == OPTION_HELP;
        if (arg[2] != 0 && flag) continue;
        *value = arg[2] != 0 ? arg + 2 : NULL;
        return o;
    }
    return NULL;
}

static int unknown_option(const verdict *v, const option *options, const char *arg)
{
    const char *names[64];
    int n = 0;
    for (const option *o = options; o->name != NULL && n < 64; o++) names[n++] = o->name;
    const char *near = nearest_name(arg, -1, names, n);
    if (near != NULL) return fail(v, EXIT_USAGE, 0, "unknown option '%s'; did you mean %s?", arg, near);
    return fail(v, EXIT_USAGE, 0, "unknown option '%s'; chunk %s --help lists them", arg, v->verb);
}

int read_options(const verdict *v, char **args, const option *options, option_list *operands, bool *help)
{
    bool ended = false;
    *help = false;
    for (; *args != NULL; args++) {
        const char *arg = *args, *value;
        if (ended || arg[0] != '-' || arg[1] == 0) {
            list_add(operands, arg);
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            ended = true;
            continue;
        }
        const option *o = find_option(options, arg, &value);
        if (o == NULL) return unknown_option(v, options, arg);
        if (o->kind == OPTION_FLAG || o->kind == OPTION_HELP) {
            if (value != NULL) return fail(v, EXIT_USAGE, 0, "%s takes no value", o->name);
            *(o->kind == OPTION_HELP ? help : (bool *)o->into) = true;
            continue;
        }
        if (value == NULL && (value = *++args) == NULL) return fail(v, EXIT_USAGE, 0, "%s needs a value", arg);
        int code = read_value(v, o, value);
        if (code != 0) return code;
    }
    return 0;
}

/* Edit distance with early bounds; names are short. */
static int distance(const char *a, const char *b)
{
    enum { MOST = 48 };
    int row[MOST + 1], na = (int)strlen(a), nb = (int)strlen(b);
    if (na > MOST || nb > MOST) return MOST;
    for (int j = 0; j <= nb; j++) row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int best = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

const char *nearest_name(const char *name, int most, const char *const *names, int n)
{
    const char *best = NULL;
    int least = most < 0 ? (int)strlen(name) / 3 + 1 : most;
    for (int i = 0; i < n; i++) {
        int d = distance(name, names[i]);
        if (d <= least && d < (int)strlen(names[i])) {
            least = d - 1;
            best = names[i];
        }
    }
    return best;
}
