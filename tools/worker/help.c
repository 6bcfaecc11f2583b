/* help.c: what --help prints for each verb. tests/cli/test_help.py holds it against the manual pages and the options themselves. */
#include <string.h>

#include "worker.h"

static const char eval_help[] =
    "usage: chunk eval 'EXPR' NAME=FILE:/DATASET ... [-o FILE:/DATASET]... [options]\n"
    "\n"
    "Computes array expressions over HDF5 datasets under a memory ceiling. EXPR is the first argument, even when it\n"
    "begins with a minus. It is written as for NumPy; `chunk ops` lists the functions. `;` separates expressions:\n"
    "EXPR and NAME = EXPR are results, NAME := EXPR is an intermediate that is kept; A, B = split(x, 2) names two.\n"
    "\n"
    "  NAME=FILE:/DATASET  what NAME stands for in EXPR; FILE/DATASET is accepted where FILE exists\n"
    "  -o FILE:/DATASET    where a result goes, one -o a result in order; one that ends in / is a group that takes\n"
    "                      the results' names. Without -o results are printed, large ones abbreviated as by NumPy\n"
    "  --into FILE:/DATASET[REGION]\n"
    "                      give a dataset that exists new values in a region ([1:5, ::2]; all of it without), where they\n"
    "                      lie: no way back (the manual says what a crash may leave)\n"
    "  --memory SIZE       the ceiling for the whole command: bytes, or with KiB MiB GiB TiB (1024), KB MB GB TB (1000)\n"
    "  --threads N         workers (default: the cores that this process may use)\n"
    "  --chunks 1024x1024  chunk shape of the results with as many axes (default: those of the inputs, else of 1 MiB)\n"
    "  --filter LIST       gzip[=0..9], zstd[=1..22], lz4, bitshuffle, shuffle, fletcher32, none; as in gzip=4,shuffle\n"
    "  --scratch DIR       folder for intermediate data that does not fit (default: the output's)\n"
    "  --durable           wait for the disk before results become visible\n"
    "  --overwrite         replace output datasets that exist\n"
    "  --explain           print the plan and its peak memory; do not run\n"
    "  --profile           say where the time went, per operation\n"
    "  --trace FILE        write a trace in Chrome's format\n"
    "  --json              one JSON object on one line of standard output\n"
    "  -q                  nothing but results\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 1 a file or disk, 2 the command line or EXPR, 3 the ceiling, 130 Ctrl-C (outputs untouched).\n";

static const char rechunk_help[] =
    "usage: chunk rechunk FILE:/DATASET FILE:/DATASET --chunks SHAPE [options]\n"
    "\n"
    "Copies the first dataset to the second, which has chunks of that shape, under a memory ceiling. In expressions the\n"
    "operation of the same name does it.\n"
    "\n"
    "  --chunks 1024x1024  chunk shape of the output\n"
    "  --filter LIST       gzip[=0..9], zstd[=1..22], lz4, bitshuffle, shuffle, fletcher32, none; as in gzip=4,shuffle\n"
    "                      (default: none)\n"
    "  --memory SIZE       the ceiling for the whole command: bytes, or with KiB MiB GiB TiB (1024), KB MB GB TB (1000)\n"
    "  --threads N         workers (default: the cores that this process may use)\n"
    "  --scratch DIR       folder for intermediate data, where it takes two passes (default: the output's)\n"
    "  --durable           wait for the disk before the output becomes visible\n"
    "  --overwrite         replace an output dataset that exists\n"
    "  --explain           print the plan and its peak memory; do not run\n"
    "  --profile           say where the time went\n"
    "  --json              one JSON object on one line of standard output\n"
    "  -q                  nothing but errors\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 1 a file or disk, 2 the command line, 3 the ceiling, 130 Ctrl-C (the output untouched).\n";

static const char info_help[] =
    "usage: chunk info FILE[:/OBJECT]... [-v] [--json]\n"
    "       chunk-info FILE[:/OBJECT]... [-v] [--json]\n"
    "\n"
    "Lists the datasets of HDF5 files, or those at and below OBJECT: shape (and maximum), type, layout, chunks, filters,\n"
    "logical and stored bytes, their ratio, chunks written of total.\n"
    "\n"
    "  -v         also fill value, attributes and chunk index\n"
    "  --json     an array on one line, one object a dataset\n"
    "  --help, --version\n";

static const char ops_help[] =
    "usage: chunk ops [NAME]\n"
    "\n"
    "Lists the operations of expressions by family, each with its signature and one line. With NAME: all about it.\n"
    "\n"
    "  --help, --version\n";

void print_help(const char *verb)
{
    static const struct {
        const char *verb, *help;
    } all[] = {{"eval", eval_help}, {"rechunk", rechunk_help}, {"info", info_help}, {"ops", ops_help}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(verb, all[i].verb) == 0) fputs(all[i].help, stdout);
}
