/* fused_run.h: the tasks of fused passes (private to plan/fused*.c). */
#ifndef CHK_FUSED_RUN_H
#define CHK_FUSED_RUN_H

#include "plan/fused.h"

size_t chk_fused_work_bytes(const chk_fused *f);
size_t chk_fused_kept_bytes(const chk_fused *f, int out);
chunk_status chk_fused_run(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_fused_claim(chk_pass *p, chk_task *t, chunk_error *err);
chunk_status chk_fused_write(chk_pass *p, chk_task *t, chunk_error *err);
void chk_fused_advise(chk_pass *p, uint64_t task);

#endif
