/*
 * Kernels for codes of at most four bits, on tensors in which a word holds two rows of two channels.
 *
 *     row pairs, for depthwise    [row pair][column][channel pair]{ p0c0 | p0c1 | p1c0 | p1c1 }       bytes, p: row
 *     row pairs, for 1x1          [row pair][column][channel pair]{ p0c0 | p1c0 | p0c1 | p1c1 }
 *
 * Channels are rounded up to FXP_CHANNEL_BLOCK. Row pair i holds rows 2i - lead and 2i + 1 - lead, where lead is 0 or 1;
 * what a pair holds of rows above or below the tensor has no meaning, nor have added channels. A byte is 0 .. 15 for
 * depthwise; for 1x1 the code is in its upper four bits and the lower four have no meaning.
 *
 * UXTB16 takes a word apart into what a kernel multiplies: two rows of one channel as the two lanes of a word, or two
 * channels of one row. No kernel expands anything else. Every kernel has a twin in plain C with the same layouts.
 */
#ifndef FXP_ROW_PAIRS_H
#define FXP_ROW_PAIRS_H

#include "fxp_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Made by FXP_QUAD_PRODUCTS of fxp_quad_products.h. */
typedef void
fxp_quad_products(const fxp_word *pair, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output);

typedef struct {
    int32_t height; /* the same in and out */
    int32_t width;
    int32_t lead;
    int32_t input_words;  /* of one column of a row pair: half its channels */
    int32_t output_words; /* at most input_words where input and output begin at one address */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_quad_products *products;
} fxp_pointwise_conv2d_quad_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_quad(
    const fxp_pointwise_conv2d_quad_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_QUAD_COLUMN of fxp_quad_products.h. */
typedef void fxp_quad_column(
    const fxp_word *pairs, const uint32_t *weights, const fxp_word *pairs_end, fxp_word *output, int32_t output_bytes
);

/* The same with weights as nibbles, expanded quad by quad for so many pairs of positions. */
typedef struct {
    int32_t height; /* the same in and out */
    int32_t width;
    int32_t lead;
    int32_t input_words;
    int32_t output_words;
    int32_t pairs_at_once;
    const uint32_t *codes;
    fxp_quad_column *column;
} fxp_pointwise_conv2d_quad_w4_args;

/* scratch: 8 * (input_words + 1) + 8 * input_words * pairs_at_once bytes */
void fxp_pointwise_conv2d_quad_w4(
    const fxp_pointwise_conv2d_quad_w4_args *args, const void *input, void *output, void *scratch
);

/* The same for weights of any width: two products per instruction. */
typedef struct {
    int32_t pairs; /* row pairs times columns, the same in and out */
    int32_t input_words;
    int32_t output_words;
    int32_t pair_words; /* of the scratch memory for two positions: at least 2 * input_words */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_pair_products *products;
} fxp_pointwise_conv2d_pairs_args;

/* scratch: 4 * pair_words + 8 * output_words bytes */
void fxp_pointwise_conv2d_pairs(
    const fxp_pointwise_conv2d_pairs_args *args, const void *input, void *output, void *scratch
);

/* As fxp_conv2d_s16, to row pairs without lead. */
typedef fxp_conv2d_s16_args fxp_conv2d_pairs_args;

/*
 * scratch: 4 * pair_words + 8 * output_words + padded_height * padded_width * input.channels + 3 bytes; padded_height holds
 * the windows of a whole number of row pairs
 */
void fxp_conv2d_pairs(const fxp_conv2d_pairs_args *args, const void *input, void *output, void *scratch);

/* Made by FXP_LANE_CONV of fxp_lane_conv.h, or FXP_LANE_CONV_S16 of fxp_lane_conv_s16.h. */
typedef void
fxp_lane_conv(const fxp_word *plane, const uint32_t *weights, fxp_word *output, const fxp_word *output_end);

/* From int8 to row pairs with lead 1, or to int16; four products per instruction where sums fit lanes. */
typedef struct {
    fxp_shape input;
    fxp_shape output; /* channels rounded up to FXP_CHANNEL_BLOCK */
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_row;   /* bytes */
    int32_t padded_words; /* of all padded rows */
    int32_t row_taps;     /* columns of the window times input channels */
    int32_t plane_rows;
    int32_t lane_bits;       /* 16, to int16 21 */
    int32_t output_rows;     /* of words: row pairs, or rows of int16 */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^(12 - right) */
    const uint32_t *codes;   /* nibbles, and biases */
    int32_t right;
    int32_t weights_words; /* of a channel pair */
    fxp_lane_conv *columns;
} fxp_conv2d_lanes_args;

/* scratch: 4 * (padded_words + plane_rows * stride.vertical * row_taps) bytes; without weights 4 * weights_words more */
void fxp_conv2d_lanes(const fxp_conv2d_lanes_args *args, const void *input, void *output, void *scratch);

/* Made by FXP_LANE_PLANES and FXP_LANE_WALK of fxp_lane_walk.h. */
typedef void fxp_lane_planes(const fxp_word *input, fxp_word *plane0, fxp_word *plane1);
typedef void fxp_lane_walk(const fxp_word *plane, const uint32_t *weights, fxp_code16 *output);

typedef struct {
    int32_t height; /* of input and output */
    int32_t width;
    int32_t channels;        /* rounded up to FXP_CHANNEL_BLOCK */
    int32_t lead;            /* of the input; the output's is 1 - lead */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^scale, and bias */
    const int8_t *codes;     /* [channels][column][row] */
    const uint32_t *bias;    /* [channels], as the loop wants them */
    int32_t scale;
    fxp_lane_planes *planes;
    fxp_lane_walk *walk;
} fxp_depthwise_conv2d_pairs_args;

/* scratch: 8 * row pairs * width bytes */
void fxp_depthwise_conv2d_pairs(
    const fxp_depthwise_conv2d_pairs_args *args, const void *input, void *output, void *scratch
);

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels; /* rounded up to FXP_CHANNEL_BLOCK */
    int32_t lead;
    int32_t bias; /* the rounding half */
    fxp_requantization requantization;
} fxp_average_pool_pairs_args;

/* output: int16 [channels] */
void fxp_average_pool_pairs(const fxp_average_pool_pairs_args *args, const void *input, void *output);

/* To int8 [height][width][channels]; input and output must not overlap. The number is the lead. */
void fxp_unpack_depthwise_pairs_0(fxp_shape shape, const void *input, void *output);
void fxp_unpack_depthwise_pairs_1(fxp_shape shape, const void *input, void *output);
void fxp_unpack_pointwise_pairs_0(fxp_shape shape, const void *input, void *output);
void fxp_unpack_pointwise_pairs_1(fxp_shape shape, const void *input, void *output);

#ifdef __cplusplus
}
#endif

#endif
