/* rechunk.c: `chunk rechunk IN:/X OUT:/Y --chunks 100x200x50`: one dataset into another with other chunks. It is the expression x stored, so all that
 * follows its command line is eval's. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"

static int read_dataset(job *j, target *out, const char *which, const char *text)
{
    if (!target_parse(out, text) || out->object == NULL)
        return fail(&j->v, EXIT_USAGE, 0, "%s '%s': write it as FILE:/DATASET", which, text);
    size_t n = strlen(out->object);
    if (out->object[n - 1] == '/') return fail(&j->v, EXIT_USAGE, 0, "%s '%s' names no dataset", which, text);
    return 0;
}

static int read_line(job *j, char **args)
{
    bool json = false;
    j->v = (verdict){.verb = "rechunk", .json = has_json(args)};
    j->memory = UINT64_MAX; /* not given */
    const option options[] = {
        {"--chunks", NULL, OPTION_SHAPE, &j->chunks},
        {"--filter", NULL, OPTION_FILTER, &j->filter},
        {"--memory", NULL, OPTION_SIZE, &j->memory},
        {"--threads", NULL, OPTION_INT, &j->threads},
        {"--scratch", NULL, OPTION_TEXT, &j->scratch},
        {"--durable", NULL, OPTION_FLAG, &j->durable},
        {"--overwrite", NULL, OPTION_FLAG, &j->overwrite},
        {"--explain", NULL, OPTION_FLAG, &j->explain},
        {"--profile", NULL, OPTION_FLAG, &j->profile},
        {"--json", NULL, OPTION_FLAG, &json},
        {"-q", "-q", OPTION_FLAG, &j->v.quiet},
        {"--help", "-h", OPTION_HELP, NULL},
        {"--version", NULL, OPTION_FLAG, &j->version},
        {NULL, NULL, OPTION_FLAG, NULL},
    };
    int code = read_options(&j->v, args, options, &j->operands, &j->help);
    if (code != 0 || j->help || j->version) return code;
    job_read_memory(j);
    if (j->operands.n != 2)
        return fail(&j->v, EXIT_USAGE, 0, "%d datasets: give two, chunk rechunk IN:/X OUT:/Y --chunks SHAPE", j->operands.n);
    if (j->chunks.ndim == 0)
        return fail(&j->v, EXIT_USAGE, 0, "--chunks is needed: the chunk shape of the output, as in 1024x1024");
    j->bindings = need_memory(1, sizeof *j->bindings);
    j->outputs = need_memory(1, sizeof *j->outputs);
    j->bindings[0] = (binding){.name = "x", .used = true};
    j->n_bindings = j->n_results = 1;
    code = read_dataset(j, &j->bindings[0].from, "the input", j->operands.item[0]);
    if (code == 0) code = read_dataset(j, &j->outputs[0], "the output", j->operands.item[1]);
    if (code == 0 && target_same_file(&j->bindings[0].from, &j->outputs[0]) &&
        target_meet(&j->bindings[0].from, &j->outputs[0]) == TARGETS_SAME)
        return fail(&j->v, EXIT_USAGE, 0, "'%s' and '%s' are the same dataset: write to another one", j->operands.item[0],
                    j->operands.item[1]);
    return code;
}

int rechunk_main(char **args)
{
    job j = {.text = "x"};
    int code = read_line(&j, args);
    return code != 0 ? code : job_main(&j);
}
