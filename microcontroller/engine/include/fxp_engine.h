/*
 * Fixed-point kernels for keyword spotting.
 *
 * Every kernel computes, for int8 codes x (activations, NHWC) and w (weights):
 *
 *     accumulator = bias + sum(w * x)                                     int32
 *     y           = clamp(accumulator >> shift, min_code, max_code)       int8
 *
 * The generator adds 2^(shift - 1) to the bias, so that the shift rounds half up. It also proves that no input can make
 * an accumulator, or any partial sum in any order, leave int32. ReLU is a min_code of 0. Padding reads as code 0.
 *
 * The caller owns all memory. Input and output must not overlap. Dimensions are positive; nothing is checked at run
 * time. The engine has no state: every function may be called from any thread.
 *
 * Each kernel's file in src/ documents the layout of its weights, which export/plan/kernels/ produces.
 */
#ifndef FXP_ENGINE_H
#define FXP_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Alignment in bytes of arenas, weights and biases. */
#define FXP_ALIGNMENT 16

/* An int16 tensor holds a multiple of so many channels; the added ones are 0. */
#define FXP_CHANNEL_BLOCK 4

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
} fxp_shape;

typedef struct {
    int32_t height;
    int32_t width;
} fxp_window;

typedef struct {
    int32_t vertical;
    int32_t horizontal;
} fxp_stride;

/* Padding below and on the right follows from the shapes. */
typedef struct {
    int32_t top;
    int32_t left;
} fxp_padding;

/* From accumulator to code; 0 <= shift <= 30. */
typedef struct {
    uint8_t shift;
    int8_t min_code;
    int8_t max_code;
} fxp_requantization;

typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_window window;
    fxp_stride stride;
    fxp_padding padding;
    const int8_t *weights;
    const int32_t *bias; /* [output.channels], rounding half included */
    fxp_requantization requantization;
} fxp_conv2d_args;

typedef struct {
    int32_t positions; /* height * width, the same in and out */
    int32_t input_channels;
    int32_t output_channels;
    const int8_t *weights;
    const int32_t *bias; /* [output_channels], rounding half included */
    fxp_requantization requantization;
} fxp_pointwise_conv2d_args;

typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_window window;
    fxp_stride stride;
    fxp_padding padding;
    const int8_t *weights;
    const int32_t *bias; /* [output.channels], rounding half included */
    fxp_requantization requantization;
} fxp_depthwise_conv2d_args;

typedef struct {
    int32_t positions; /* height * width of the input; the output has one position */
    int32_t channels;
    int32_t bias; /* the rounding half, the same for every channel */
    fxp_requantization requantization;
} fxp_average_pool_args;

typedef struct {
    int32_t inputs;
    int32_t outputs;
    const int8_t *weights;
    const int32_t *bias; /* [outputs], rounding half included */
    fxp_requantization requantization;
} fxp_dense_args;

void fxp_conv2d_s8(const fxp_conv2d_args *args, const int8_t *input, int8_t *output);
void fxp_pointwise_conv2d_s8(const fxp_pointwise_conv2d_args *args, const int8_t *input, int8_t *output);
void fxp_depthwise_conv2d_s8(const fxp_depthwise_conv2d_args *args, const int8_t *input, int8_t *output);
void fxp_average_pool_s8(const fxp_average_pool_args *args, const int8_t *input, int8_t *output);
void fxp_dense_s8(const fxp_dense_args *args, const int8_t *input, int8_t *output);

/*
 * int16 activations, [height][width][channels rounded up to FXP_CHANNEL_BLOCK], for kernels that use the DSP extension
 * of Armv7E-M. A word, which is 4-byte aligned, holds two neighbouring channels. Every one of them has a twin in plain C
 * with the same layouts, for compilers without __ARM_FEATURE_DSP.
 */

/* Unaliased by the type of the memory behind it, which is the caller's. */
typedef uint32_t __attribute__((may_alias)) fxp_word;
typedef int16_t __attribute__((may_alias)) fxp_code16;

/* Made by the macros of fxp_pair_products*.h and of fxp_outer_products.h. */
typedef void fxp_pair_products(
    const fxp_word *pair, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output0, fxp_word *output1
);

typedef struct {
    int32_t positions;    /* height * width, the same in and out */
    int32_t input_words;  /* of one position: half its channels */
    int32_t output_words; /* at most input_words where input and output begin at one address */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_pair_products *products;
} fxp_pointwise_conv2d_s16_args;

/* scratch: 8 * input_words bytes, rounded up to what the loop reads */
void fxp_pointwise_conv2d_s16(
    const fxp_pointwise_conv2d_s16_args *args, const void *input, void *output, void *scratch
);

/* The same for weights of at most four bits and activations of at most seven without a sign. */
typedef fxp_pointwise_conv2d_s16_args fxp_pointwise_conv2d_outer_args;

/* scratch: 8 * input_words bytes */
void fxp_pointwise_conv2d_outer(
    const fxp_pointwise_conv2d_outer_args *args, const void *input, void *output, void *scratch
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
    int32_t row_steps;  /* groups of four codes in a row of the window, rounded up */
    int32_t pair_words; /* at least 4 * window_height * row_steps */
    int32_t output_words;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_pair_products *products;
} fxp_conv2d_s16_args;

/* scratch: 4 * pair_words + padded_height * padded_width * input.channels + 3 bytes */
void fxp_conv2d_s16(const fxp_conv2d_s16_args *args, const void *input, void *output, void *scratch);

/* Made by FXP_PLANE_PAIRS of fxp_plane_pairs.h and by the macros of fxp_plane_products.h and fxp_plane_products_2.h. */
typedef void fxp_plane_pairs(const fxp_word *input, fxp_word *plane0, fxp_word *plane1, int32_t row_pairs);
typedef void fxp_plane_products(const fxp_word *plane, const uint32_t *weights, void *output, int32_t rows);

typedef struct {
    fxp_shape input; /* channels rounded up to FXP_CHANNEL_BLOCK */
    fxp_shape output;
    fxp_padding padding;     /* 0 or 1 */
    int32_t plane_width;     /* columns that the windows reach or the input has, with padding */
    int32_t row_pairs;       /* that the windows reach */
    const uint32_t *weights; /* NULL: made on the way from codes, times 2^scale, and bias */
    const int8_t *codes;     /* [input.channels][column][row] */
    const int32_t *bias;     /* [input.channels], rounding half included, times 2^scale */
    int32_t scale;
    fxp_plane_pairs *pairs;
    fxp_plane_products *products;
} fxp_depthwise_conv2d_s16_args;

/* scratch: 8 * row_pairs * plane_width bytes */
void fxp_depthwise_conv2d_s16(
    const fxp_depthwise_conv2d_s16_args *args, const void *input, void *output, void *scratch
);

typedef struct {
    int32_t positions; /* so few that their sum fits 16 bits */
    int32_t words;     /* of one position */
    int32_t bias;      /* the rounding half */
    int32_t is_signed;
    fxp_requantization requantization;
} fxp_average_pool_s16_args;

void fxp_average_pool_s16(const fxp_average_pool_s16_args *args, const void *input, void *output);

typedef struct {
    int32_t words; /* of the input */
    int32_t outputs;
    const uint32_t *weights;
    const int32_t *bias; /* [outputs], rounding half included */
    fxp_requantization requantization;
} fxp_dense_s16_args;

/* output: int8 */
void fxp_dense_s16(const fxp_dense_s16_args *args, const void *input, void *output);

/* int8 [height][width][channels] from and to int16; both may work in place. */
void fxp_pack_s16(fxp_shape shape, const void *input, void *output);
void fxp_unpack_s16(fxp_shape shape, const void *input, void *output);

/* What a generated model tells about one of its layers: value = code * 2^-fraction_bits for each tensor. */
typedef struct {
    const char *name;
    const char *op;
    const char *kernel; /* the engine function that runs it */
    uint32_t macs;      /* multiply-accumulates per inference */
    uint32_t weight_bytes;
    uint32_t output_bytes;
    fxp_shape output;
    int8_t input_bits;
    int8_t input_fraction_bits;
    int8_t weight_bits;
    int8_t weight_fraction_bits;
    int8_t output_bits;
    int8_t output_fraction_bits;
    uint8_t accumulator_bits;
    uint8_t shift;
    int8_t min_code;
    int8_t max_code;
} fxp_layer_info;

/*
 * Called after each layer with its output, which is valid until the observer returns. It lies in the layout of the
 * layer's kernel; fxp_model_unpack of the generated model writes it as int8 [height][width][channels].
 */
typedef void (*fxp_observer)(void *context, int layer, const int8_t *output, size_t bytes);

#ifdef __cplusplus
}
#endif

#include "fxp_mve.h"
#include "fxp_row_pairs.h"

#endif
