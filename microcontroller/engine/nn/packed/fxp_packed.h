/*
 * Kernels in plain C for cores without the DSP extension: Cortex-M0, M0+, M3, M23, RISC-V with M, Xtensa. Activations are
 * int8 [height][width][channels] in and out; one 32-bit multiplication adds several products, in lanes or in the upper
 * half of a word. No product has more than 32 bits, no code is read as part of a word: any byte order will do.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PACKED_H
#define FXP_PACKED_H

#include "nn/fxp_layer.h"

/* The positions that a matrix loop computes at once: codes of their inputs in scratch memory, and where outputs go. */
typedef struct {
    const uint32_t *codes; /* [step][position]{ x0 + 2^16 x1 } */
    int32_t steps;         /* a multiple of 4 */
    int32_t channels;      /* at least 4 */
    int8_t **outputs;      /* of each position; positions beyond the last one are the last one again */
} fxp_packed_block;

/* A matrix loop, made by a macro of fxp_matrix_loop_s8_packed*.h. */
typedef void (*fxp_packed_matrix_loop)(const fxp_packed_block *block, const uint32_t *weights, const uint32_t *bias);

typedef struct {
    int32_t positions; /* height * width, the same in and out */
    int32_t input_channels;
    int32_t output_channels;
    int32_t steps; /* of two input channels, a multiple of 4 */
    const uint32_t *weights;
    const uint32_t *bias;
    fxp_packed_matrix_loop loop;
} fxp_pointwise_conv2d_s8_packed_args;

typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_window window;
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_height;
    int32_t padded_width;
    int32_t steps; /* of two codes in a row of the window, over all rows; a multiple of 4 */
    const uint32_t *weights;
    const uint32_t *bias;
    fxp_packed_matrix_loop loop;
} fxp_conv2d_s8_packed_args;

/* One channel's panel: the input with its padding, and what lies in front of a loop. */
typedef struct {
    int32_t pitch;           /* elements of a row */
    int32_t row_step;        /* elements from one output row's window to the next one's */
    int32_t column_step;     /* elements from one output's window to that of the output beside it */
    int32_t height;          /* of the output */
    int32_t width;           /* of the output */
    int32_t output_row;      /* bytes of the output */
    int32_t output_channels; /* bytes of a position of the output */
} fxp_packed_panel;

/* A depthwise loop, made by a macro of fxp_depthwise_loop_s8_packed*.h. */
typedef void (*fxp_packed_depthwise_loop)(
    const fxp_packed_panel *panel, const void *codes, const uint32_t *weights, int8_t *output
);

typedef struct {
    fxp_shape input;
    fxp_padding padding;
    int32_t padded_height;
    int32_t rows_apart;    /* of the two rows in a word; 0 for a word of one row */
    int32_t channel_words; /* of a channel's weights */
    fxp_packed_panel panel;
    const uint32_t *weights;
    fxp_packed_depthwise_loop loop;
} fxp_depthwise_conv2d_s8_packed_args;

typedef fxp_depthwise_conv2d_s8_packed_args fxp_depthwise_conv2d_s8_packed_taps_args;

typedef struct {
    int32_t positions; /* height * width of the input; the output has one position */
    int32_t channels;
    int32_t bias; /* the rounding half, the same for every channel */
    fxp_requantization requantization;
} fxp_average_pool_s8_packed_args;

void fxp_pointwise_conv2d_s8_packed(
    const fxp_pointwise_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch
);
void fxp_conv2d_s8_packed(const fxp_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch);
void fxp_depthwise_conv2d_s8_packed(
    const fxp_depthwise_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch
);
void fxp_depthwise_conv2d_s8_packed_taps(
    const fxp_depthwise_conv2d_s8_packed_taps_args *args, const void *input, void *output, void *scratch
);
void fxp_average_pool_s8_packed(const fxp_average_pool_s8_packed_args *args, const void *input, void *output);

#endif
