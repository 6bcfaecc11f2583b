/* scan.h: passes that carry something along one axis: running sums, products and extremes, filling of gaps, exponentially weighted means.
 *
 * The index space is cut into tiles, each inside one chunk of where the result goes. A line of tiles along the axis carries its state from tile to
 * tile in a region; lines side by side are what workers do in parallel. Tasks start in an order that takes up to `side` lines abreast, tile after
 * tile along the axis, so the tile before is the task `side` numbers lower: it has started, and is nearly always done. Where the array has but one
 * line (one axis, or rows as wide as the array), tasks read at the same time, take their turn to scan, and write at the same time. Data is read once
 * and the result written once; the order of additions is the axis's, so the result is the same however it is cut. */
#ifndef CHK_PLAN_SCAN_H
#define CHK_PLAN_SCAN_H

#include "kern/scan.h"
#include "plan/builder.h"

typedef struct chk_scan_spec {
    chk_scan scan;
    int axis;
    bool exclusive, backwards; /* as in chk_scan_call */
    chk_scalar start;
    int64_t limit;
    double alpha;
    bool adjust, ignore_na;
} chk_scan_spec;

/* Plans the scan of n's only input (of n's dtype). With exclusive, n is one longer along the axis than its input. */
chunk_status chk_scan_lower(chk_plan_builder *b, const chk_node *n, const chk_scan_spec *spec, chunk_error *err);

#endif
