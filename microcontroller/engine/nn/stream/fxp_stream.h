/*
 * What the streaming network needs beside the other kernels: rows that last from step to step, running sums over them,
 * and kernels on such rows with the DSP extension. Names and terms: docs/glossary.md.
 *
 * The memory is the caller's; at the start it is zeros, which is code 0 everywhere.
 */
#ifndef FXP_STREAM_H
#define FXP_STREAM_H

#include "nn/four_bit/fxp_four_bit.h"

/* Moves the last kept_bytes of kept_bytes + new_bytes to the front. Words where both are a multiple of 4 and rows are
 * aligned to as much. */
void fxp_keep_rows(void *rows, size_t kept_bytes, size_t new_bytes);

/* Whether something that happens at tick `first`, and every so many ticks from then on, happens at this one. */
static inline int fxp_row_due(int32_t tick, int32_t first, int32_t every, int32_t count) {
    const int32_t ticks = tick - first;
    return ticks >= 0 && ticks < every * count && ticks % every == 0;
}

/* Copies rows from `first` on of an input of so many rows; zeros above and below it. */
void fxp_input_rows(
    const int8_t *input, int32_t height, int32_t row_bytes, int32_t first, int32_t rows, int8_t *window
);

typedef struct {
    int32_t rows;      /* of the window; 0 for all that come */
    int32_t positions; /* of a row; all sums fit 16 bits, with or without a sign */
    int32_t words;     /* of a position: two channels each */
} fxp_running_sum_s16_dsp_args;

/*
 * Adds a row to the sums over the last rows and takes the oldest one off, or to those over all rows.
 *
 * input  int16 [positions][words * 2]
 * sums   words: the sums over all rows [words], those of each row [rows][words], the offset of the oldest row's; of all
 *        that come the sums alone
 */
void fxp_running_sum_s16_dsp(const fxp_running_sum_s16_dsp_args *args, const void *input, void *sums);

/* Made by FXP_DEPTHWISE_LOOP_S16_ROWS_DSP: one row, from three. */
typedef void fxp_depthwise_loop_s16_rows_dsp(
    const fxp_word *rows, const uint32_t *weights, fxp_word *output, const uint32_t *weights_end
);

typedef struct {
    int32_t rows;      /* of the output */
    int32_t row_words; /* width times half the channels */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_depthwise_loop_s16_rows_dsp *loop;
} fxp_depthwise_conv2d_s16_rows_dsp_args;

void fxp_depthwise_conv2d_s16_rows_dsp(
    const fxp_depthwise_conv2d_s16_rows_dsp_args *args, const void *input, void *output
);

typedef struct {
    int32_t positions;
    int32_t input_words; /* of one position */
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
    fxp_matrix_loop_s16_dsp_single *single_loop;
} fxp_pointwise_conv2d_s16_rows_dsp_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_s16_rows_dsp(
    const fxp_pointwise_conv2d_s16_rows_dsp_args *args, const void *input, void *output, void *scratch
);

typedef struct {
    int32_t positions;
    int32_t input_words;  /* of one position */
    int32_t output_words; /* at most input_words where input and output begin at one address */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
    fxp_matrix_loop_s16_dsp_single *single_loop;
} fxp_pointwise_conv2d_s16_rows_dsp_lanes_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_s16_rows_dsp_lanes(
    const fxp_pointwise_conv2d_s16_rows_dsp_lanes_args *args, const void *input, void *output, void *scratch
);

#endif
