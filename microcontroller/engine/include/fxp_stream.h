/*
 * What the streaming network needs beside the kernels: rows that last from step to step, and running sums over them.
 *
 * The memory is the caller's; at the start it is zeros, which is code 0 everywhere.
 */
#ifndef FXP_STREAM_H
#define FXP_STREAM_H

#include "fxp_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Moves the last kept_bytes of kept_bytes + new_bytes to the front. Words where both are a multiple of 4 and rows are
 * aligned to as much. */
void fxp_keep_rows(void *rows, size_t kept_bytes, size_t new_bytes);

typedef struct {
    int32_t rows;      /* of the window */
    int32_t positions; /* of a row; all sums fit 16 bits, with or without a sign */
    int32_t words;     /* of a position: two channels each */
} fxp_running_sum_s16_args;

/*
 * Adds a row to the sums over the last rows and takes the oldest one off.
 *
 * input  int16 [positions][words * 2]
 * sums   words: the sums over all rows [words], those of each row [rows][words], the offset of the oldest row's
 */
void fxp_running_sum_s16(const fxp_running_sum_s16_args *args, const void *input, void *sums);

#ifdef __cplusplus
}
#endif

#endif
