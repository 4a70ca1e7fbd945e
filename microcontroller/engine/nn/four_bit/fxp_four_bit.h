/*
 * Kernels for codes of at most seven bits, with the DSP extension, on tensors in which a word holds two rows of two
 * channels. Names and terms: docs/glossary.md.
 *
 *     row pairs, for depthwise    [row pair][column][channel pair]{ p0c0 | p0c1 | p1c0 | p1c1 }       bytes, p: row
 *     row pairs, for pointwise    [row pair][column][channel pair]{ p0c0 | p1c0 | p0c1 | p1c1 }
 *
 * Channels are rounded up to FXP_CHANNEL_BLOCK. Row pair i holds rows 2i - lead and 2i + 1 - lead, where lead is 0 or
 * 1; what it holds of rows above or below the tensor has no meaning, nor have added channels. A byte is a code; but for
 * pointwise, codes of at most four bits can be in the upper four bits, and the lower ones have no meaning (code_at 4).
 *
 * UXTB16 takes a word apart into what a kernel multiplies: two rows of one channel as the two lanes of a word, or two
 * channels of one row. No kernel expands anything else. Every kernel has a twin in plain C with the same layouts.
 */
#ifndef FXP_FOUR_BIT_H
#define FXP_FOUR_BIT_H

#include "nn/dsp/fxp_dsp.h"

/* Made by FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES and its _WIDE: all output channels of two positions. */
typedef void fxp_matrix_loop_row_pairs_dsp_lanes(
    const fxp_word *position_pair, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output
);

typedef struct {
    int32_t height; /* the same in and out */
    int32_t width;
    int32_t lead;
    int32_t input_words;  /* of one column of a row pair: half its channels */
    int32_t output_words; /* at most input_words where input and output begin at one address */
    int32_t code_at;      /* where in its byte a code of the input begins: 4 or 0 */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_row_pairs_dsp_lanes *loop;
} fxp_pointwise_conv2d_row_pairs_dsp_lanes_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_row_pairs_dsp_lanes(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES: all output channels of position pairs, which it copies itself. */
typedef void fxp_matrix_loop_row_pairs_dsp_lanes_halves(
    const fxp_word *input,
    const fxp_word *input_end,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output,
    fxp_word *scratch
);

/* Made by FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE: an even number of channel quads of one position. */
typedef void fxp_matrix_loop_row_pairs_dsp_lanes_single(
    const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output
);

/* The same in lanes that end where halfwords do. */
typedef struct {
    int32_t height; /* the same in and out */
    int32_t width;
    int32_t lead;
    int32_t input_words;
    int32_t output_words;
    int32_t code_at;
    int32_t scale; /* of a single position's codes: how far they are shifted up */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_row_pairs_dsp_lanes_halves *loop;
    fxp_matrix_loop_row_pairs_dsp_lanes_single *single; /* where a row pair has a row that is not the tensor's */
} fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD: one channel quad of any number of position pairs. */
typedef void fxp_matrix_loop_row_pairs_dsp_lanes_quad(
    const fxp_word *position_pairs,
    const uint32_t *weights,
    const fxp_word *position_pairs_end,
    fxp_word *output,
    int32_t output_bytes
);

/* The same with weights as nibbles, expanded channel quad by channel quad for so many position pairs. */
typedef struct {
    int32_t height; /* the same in and out */
    int32_t width;
    int32_t lead;
    int32_t input_words;
    int32_t output_words;
    int32_t code_at;
    int32_t position_pairs_at_once;
    const uint32_t *codes;
    fxp_matrix_loop_row_pairs_dsp_lanes_quad *loop;
} fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4_args;

/* scratch: 8 * (input_words + 1) + 8 * input_words * position_pairs_at_once bytes */
void fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4_args *args, const void *input, void *output, void *scratch
);

/* The same for weights of any width: two products per instruction. */
typedef struct {
    int32_t position_pairs; /* row pairs times columns, the same in and out */
    int32_t input_words;
    int32_t output_words;
    int32_t code_at;
    int32_t position_pair_words; /* of the scratch memory for two positions: at least 2 * input_words */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s16_dsp *loop;
} fxp_pointwise_conv2d_row_pairs_dsp_args;

/* scratch: 4 * position_pair_words + 8 * output_words bytes */
void fxp_pointwise_conv2d_row_pairs_dsp(
    const fxp_pointwise_conv2d_row_pairs_dsp_args *args, const void *input, void *output, void *scratch
);

/* As fxp_conv2d_s8_to_s16_dsp, to row pairs for depthwise without lead. */
typedef fxp_conv2d_s8_to_s16_dsp_args fxp_conv2d_s8_to_row_pairs_dsp_args;

/*
 * scratch: 4 * position_pair_words + 8 * output_words + padded_height * padded_width * input.channels + 3 bytes;
 * padded_height holds the windows of a whole number of row pairs
 */
void fxp_conv2d_s8_to_row_pairs_dsp(
    const fxp_conv2d_s8_to_row_pairs_dsp_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW: all channel pairs of a row. */
typedef void fxp_conv2d_loop_row_pairs_dsp_lanes_row(
    const fxp_word *input, const uint32_t *weights, const uint32_t *weights_end, fxp_code16 *output
);

typedef struct {
    int32_t height;      /* of the output */
    int32_t lead;        /* of the output */
    int32_t row_codes;   /* of a row pair: 16 bits each */
    int32_t input_rows;  /* those that windows reach */
    int32_t input_width; /* at most 10 */
    int32_t top;         /* rows of padding */
    int32_t row_pairs;   /* of the input with its padding */
    int32_t stride;      /* vertical */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_conv2d_loop_row_pairs_dsp_lanes_row *loop;
} fxp_conv2d_s8_to_row_pairs_dsp_lanes_args;

/* scratch: 40 * row_pairs bytes; twice that at an odd stride */
void fxp_conv2d_s8_to_row_pairs_dsp_lanes(
    const fxp_conv2d_s8_to_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_PANELS_ROW_PAIRS_DSP and by FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES. */
typedef void fxp_panels_row_pairs_dsp(const fxp_word *input, fxp_word *panels);
typedef void fxp_depthwise_loop_row_pairs_dsp_lanes(
    const fxp_word *panels, const uint32_t *weights, fxp_code16 *output, int32_t channels
);

typedef struct {
    int32_t height; /* of input and output */
    int32_t width;
    int32_t channels;        /* rounded up to FXP_CHANNEL_BLOCK */
    int32_t lead;            /* of the input; the output's is 1 - lead */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^scale, and bias */
    const int8_t *codes;     /* [channels][column][row] */
    const uint32_t *bias;    /* [channels], as the loop wants them */
    int32_t scale;
    fxp_panels_row_pairs_dsp *panels;
    fxp_depthwise_loop_row_pairs_dsp_lanes *loop;
} fxp_depthwise_conv2d_row_pairs_dsp_lanes_args;

/* From row pairs for depthwise to row pairs for pointwise. scratch: 16 * row pairs * width bytes */
void fxp_depthwise_conv2d_row_pairs_dsp_lanes(
    const fxp_depthwise_conv2d_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_SUM_LOOP_ROW_PAIRS_DSP. */
typedef void fxp_sum_loop_row_pairs_dsp(const fxp_word *input, const fxp_word *input_end, uint32_t *sums);

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels; /* rounded up to FXP_CHANNEL_BLOCK */
    int32_t lead;
    int32_t bias;          /* the rounding half */
    int32_t words_at_once; /* of the loop; divides those of a column */
    fxp_requantization requantization;
    fxp_sum_loop_row_pairs_dsp *loop;
} fxp_average_pool_row_pairs_to_s16_dsp_args;

/* output: int16 [channels] */
void fxp_average_pool_row_pairs_to_s16_dsp(
    const fxp_average_pool_row_pairs_to_s16_dsp_args *args, const void *input, void *output
);

/* To int8 [height][width][channels]; input and output must not overlap. The number is the lead. */
void fxp_unpack_row_pairs_depthwise_0(fxp_shape shape, const void *input, void *output);
void fxp_unpack_row_pairs_depthwise_1(fxp_shape shape, const void *input, void *output);
void fxp_unpack_row_pairs_pointwise_0(fxp_shape shape, const void *input, void *output);
void fxp_unpack_row_pairs_pointwise_1(fxp_shape shape, const void *input, void *output);
void fxp_unpack_row_pairs_pointwise_bytes_0(fxp_shape shape, const void *input, void *output);
void fxp_unpack_row_pairs_pointwise_bytes_1(fxp_shape shape, const void *input, void *output);

#endif
