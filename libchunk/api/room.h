/* room.h: is there room on the disks for what a run writes (private to api/)? Asked before anything is created. */
#ifndef CHK_API_ROOM_H
#define CHK_API_ROOM_H

#include "api/outputs.h"

/* CHUNK_ENOSPC where outputs and scratch certainly do not fit; where only the most they may take does not, one line in warning (else ""). scratch: the folder for
 * spilled data, NULL where nothing is spilled. */
chunk_status chk_room_check(char *warning, size_t size, const chk_plan *p, const chk_outputs *os, const char *scratch,
                            chunk_error *err);

#endif
