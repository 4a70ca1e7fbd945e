/*
 * Kernels for the DSP extension of Armv7E-M on int16 activations, [height][width][channels rounded up to
 * FXP_CHANNEL_BLOCK]: a word holds two neighbouring channels. Names and terms: docs/glossary.md.
 *
 * Every one of them has a twin in plain C with the same layouts, for compilers without __ARM_FEATURE_DSP.
 */
#ifndef FXP_DSP_H
#define FXP_DSP_H

#include "nn/dsp/fxp_words.h"

/* Made by the macros of fxp_matrix_loop_s16_dsp*.h: all output channels of two positions. */
typedef void fxp_matrix_loop_s16_dsp(
    const fxp_word *position_pair,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output0,
    fxp_word *output1
);

/* Made by FXP_MATRIX_LOOP_S16_DSP_SINGLE: all output channels of one position. */
typedef void fxp_matrix_loop_s16_dsp_single(
    const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output
);

typedef struct {
    int32_t positions;    /* height * width, the same in and out */
    int32_t input_words;  /* of one position: half its channels */
    int32_t output_words; /* at most input_words where input and output begin at one address */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
} fxp_pointwise_conv2d_s16_dsp_args;

/* scratch: 8 * input_words bytes, rounded up to what the loop reads */
void fxp_pointwise_conv2d_s16_dsp(
    const fxp_pointwise_conv2d_s16_dsp_args *args, const void *input, void *output, void *scratch
);

/* The same for weights of at most four bits and activations of at most seven without a sign. */
typedef fxp_pointwise_conv2d_s16_dsp_args fxp_pointwise_conv2d_s16_dsp_lanes_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_s16_dsp_lanes(
    const fxp_pointwise_conv2d_s16_dsp_lanes_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_MATRIX_LOOP_S16_DSP_WIDE, FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE: all output channels of four positions. */
typedef void fxp_matrix_loop_s16_dsp_wide(
    const fxp_word *positions, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output
);

/* The same four positions at a time. */
typedef struct {
    int32_t positions;
    int32_t input_words;
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp_wide *loop;
    fxp_matrix_loop_s16_dsp *last_loop; /* of fewer than four positions */
} fxp_pointwise_conv2d_s16_dsp_wide_args;

/* scratch: 16 * input_words bytes */
void fxp_pointwise_conv2d_s16_dsp_wide(
    const fxp_pointwise_conv2d_s16_dsp_wide_args *args, const void *input, void *output, void *scratch
);

/* For weights of at most four bits and activations of at most seven without a sign; at least four positions. */
typedef struct {
    int32_t positions;
    int32_t input_words;
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp_wide *loop;
} fxp_pointwise_conv2d_s16_dsp_lanes_wide_args;

/* scratch: 32 * input_words bytes */
void fxp_pointwise_conv2d_s16_dsp_lanes_wide(
    const fxp_pointwise_conv2d_s16_dsp_lanes_wide_args *args, const void *input, void *output, void *scratch
);

/* From int8 input; output_words and what follows as in the 1x1 convolution. */
typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_height;
    int32_t padded_width;
    int32_t window_height;
    int32_t row_steps;           /* groups of four codes in a row of the window, rounded up */
    int32_t position_pair_words; /* at least 4 * window_height * row_steps */
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
    fxp_matrix_loop_s16_dsp_single *single_loop; /* for the last of an odd number of positions, or NULL */
} fxp_conv2d_s8_to_s16_dsp_args;

/* scratch: 4 * position_pair_words + padded_height * padded_width * input.channels + 3 bytes */
void fxp_conv2d_s8_to_s16_dsp(
    const fxp_conv2d_s8_to_s16_dsp_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_CONV2D_LOOP_S16_DSP_LANES, FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES and both with _WIDE: a channel pair,
 * down one column. */
typedef void
fxp_conv2d_loop_dsp_lanes(const fxp_word *panel, const uint32_t *weights, fxp_word *output, const fxp_word *output_end);

/* From int8 to int16, or to row pairs for depthwise with lead 1; four products per instruction where sums fit lanes. */
typedef struct {
    fxp_shape input;
    fxp_shape output; /* channels rounded up to FXP_CHANNEL_BLOCK */
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_row;   /* bytes */
    int32_t padded_words; /* of all padded rows */
    int32_t row_taps;     /* columns of the window times input channels */
    int32_t panel_rows;
    int32_t lane_bits;       /* 21, to row pairs 16 */
    int32_t output_rows;     /* of words: rows of int16, or row pairs */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^(12 - right) */
    const uint32_t *codes;   /* nibbles, and biases */
    int32_t right;
    int32_t weights_words; /* of a channel pair */
    fxp_conv2d_loop_dsp_lanes *loop;
} fxp_conv2d_s8_dsp_lanes_args;

/* scratch: 4 * (padded_words + panel_rows * stride.vertical * row_taps) bytes; without weights 4 * weights_words more */
void fxp_conv2d_s8_dsp_lanes(const fxp_conv2d_s8_dsp_lanes_args *args, const void *input, void *output, void *scratch);

/* Made by FXP_PANELS_S16_DSP of fxp_panels_s16_dsp.h. */
typedef void fxp_panels_s16_dsp(const fxp_word *input, fxp_word *panel0, fxp_word *panel1, int32_t row_pairs);

/* Made by the macros of fxp_depthwise_loop_s16_dsp.h and fxp_depthwise_loop_s16_dsp_stride2.h. */
typedef void fxp_depthwise_loop_s16_dsp(const fxp_word *panel, const uint32_t *weights, void *output, int32_t rows);

typedef struct {
    fxp_shape input; /* channels rounded up to FXP_CHANNEL_BLOCK */
    fxp_shape output;
    fxp_padding padding;     /* 0 or 1 */
    int32_t panel_width;     /* columns that the windows reach or the input has, with padding */
    int32_t row_pairs;       /* that the windows reach */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^scale, and bias */
    const int8_t *codes;     /* [input.channels][column][row] */
    const int32_t *bias;     /* [input.channels], rounding half included, times 2^scale */
    int32_t scale;
    fxp_panels_s16_dsp *panels;
    fxp_depthwise_loop_s16_dsp *loop;
} fxp_depthwise_conv2d_s16_dsp_args;

/* scratch: 8 * row_pairs * panel_width bytes */
void fxp_depthwise_conv2d_s16_dsp(
    const fxp_depthwise_conv2d_s16_dsp_args *args, const void *input, void *output, void *scratch
);

typedef struct {
    int32_t positions; /* so few that their sum fits 16 bits */
    int32_t words;     /* of one position */
    int32_t bias;      /* the rounding half */
    int32_t is_signed;
    fxp_requantization requantization;
} fxp_average_pool_s16_dsp_args;

void fxp_average_pool_s16_dsp(const fxp_average_pool_s16_dsp_args *args, const void *input, void *output);

typedef struct {
    int32_t words; /* of the input */
    int32_t outputs;
    const uint32_t *weights;
    const int32_t *bias; /* [outputs], rounding half included */
    fxp_requantization requantization;
} fxp_dense_s16_to_s8_dsp_args;

/* output: int8 */
void fxp_dense_s16_to_s8_dsp(const fxp_dense_s16_to_s8_dsp_args *args, const void *input, void *output);

/* int8 [height][width][channels] from and to int16; both may work in place. */
void fxp_pack_s16(fxp_shape shape, const void *input, void *output);
void fxp_unpack_s16(fxp_shape shape, const void *input, void *output);

#endif
