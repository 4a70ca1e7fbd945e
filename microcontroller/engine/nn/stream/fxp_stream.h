/*
 * What the streaming network needs beside the other kernels: rows that last from step to step, running sums over them,
 * and kernels on such rows with the DSP extension. Names and terms: docs/glossary.md.
 *
 * The memory is the caller's; at the start it is zeros, which is code 0 everywhere, or what fxp_begin_sums writes.
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

/* A word of memory and the one behind it: a number of 64 bits, to which a product is added. */
static inline void fxp_smlal(fxp_word *sum, uint32_t a, uint32_t b) {
    const uint64_t product = (uint64_t)((int64_t)(int32_t)a * (int32_t)b);
    const uint64_t added = ((uint64_t)sum[1] << 32 | sum[0]) + product;
    sum[0] = (uint32_t)added;
    sum[1] = (uint32_t)(added >> 32);
}

/* Made by FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES: all channels of a row. */
typedef void fxp_depthwise_loop_position_pairs_dsp_lanes(
    const fxp_word *row, const uint32_t *weights, fxp_word *sums, fxp_word *output, const uint32_t *weights_end
);

typedef struct {
    int32_t rows;
    int32_t input_words; /* of a row */
    int32_t output_words;
    int32_t product_words; /* of a channel's weights, those of products */
    int32_t sum_words;     /* of a channel's sums of one output row, and behind its weights what they begin with */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_depthwise_loop_position_pairs_dsp_lanes *loop;
} fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes_args;

/* sums: 2 * sum_words for each channel, which last from call to call */
void fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes(
    const fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes_args *args,
    const void *input,
    void *output,
    void *sums
);

/* As after rows of zeros. */
void fxp_begin_sums(void *sums, const fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes_args *args);

typedef struct {
    int32_t rows;
    int32_t width;
    int32_t input_words;    /* of one position */
    int32_t position_words; /* from one position of the output to the next, where two are not in one word */
    int32_t position_pair_words;
    int32_t output_words; /* of a row */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
    fxp_matrix_loop_s16_dsp_single *single_loop; /* NULL for an even width */
} fxp_pointwise_conv2d_position_pairs_dsp_lanes_args;

void fxp_pointwise_conv2d_position_pairs_dsp_lanes(
    const fxp_pointwise_conv2d_position_pairs_dsp_lanes_args *args, const void *input, void *output
);

/* As outer products: weights of at most four bits, and lanes of two positions by two output channels. */
typedef struct {
    int32_t rows;
    int32_t width;
    int32_t input_words;
    int32_t position_words;
    int32_t position_pair_words;
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
    fxp_matrix_loop_s16_dsp *single_loop; /* NULL for an even width */
} fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer(
    const fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES: all channels of a row. */
typedef void fxp_conv2d_loop_channel_rows_dsp_lanes(
    const fxp_word *input, const uint32_t *weights, fxp_word *output, const uint32_t *weights_end
);

typedef struct {
    int32_t rows;
    int32_t width;
    int32_t input_width; /* at most 2 * width */
    int32_t window_rows;
    int32_t stride;       /* along time */
    int32_t output_words; /* of a row */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_conv2d_loop_channel_rows_dsp_lanes *loop;
} fxp_conv2d_s8_to_channel_rows_dsp_lanes_args;

/* kept: window_rows * (width + 1) words, which last from call to call */
void fxp_conv2d_s8_to_channel_rows_dsp_lanes(
    const fxp_conv2d_s8_to_channel_rows_dsp_lanes_args *args, const void *input, void *output, void *kept
);

#endif
