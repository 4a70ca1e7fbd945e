/*
 * Kernels in plain C on int8 activations, [height][width][channels] in and out: any core, any shape. Names and terms:
 * docs/glossary.md.
 */
#ifndef FXP_PORTABLE_H
#define FXP_PORTABLE_H

#include "nn/fxp_layer.h"

typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_window window;
    fxp_stride stride;
    fxp_padding padding;
    const int8_t *weights;
    const int32_t *bias; /* [output.channels], rounding half included */
    fxp_requantization requantization;
} fxp_conv2d_s8_args;

typedef struct {
    int32_t positions; /* height * width, the same in and out */
    int32_t input_channels;
    int32_t output_channels;
    const int8_t *weights;
    const int32_t *bias; /* [output_channels], rounding half included */
    fxp_requantization requantization;
} fxp_pointwise_conv2d_s8_args;

typedef struct {
    fxp_shape input;
    fxp_shape output;
    fxp_window window;
    fxp_stride stride;
    fxp_padding padding;
    const int8_t *weights;
    const int32_t *bias; /* [output.channels], rounding half included */
    fxp_requantization requantization;
} fxp_depthwise_conv2d_s8_args;

typedef struct {
    int32_t positions; /* height * width of the input; the output has one position */
    int32_t channels;
    int32_t bias; /* the rounding half, the same for every channel */
    fxp_requantization requantization;
} fxp_average_pool_s8_args;

typedef struct {
    int32_t inputs;
    int32_t outputs;
    const int8_t *weights;
    const int32_t *bias; /* [outputs], rounding half included */
    fxp_requantization requantization;
} fxp_dense_s8_args;

void fxp_conv2d_s8(const fxp_conv2d_s8_args *args, const int8_t *input, int8_t *output);
void fxp_pointwise_conv2d_s8(const fxp_pointwise_conv2d_s8_args *args, const int8_t *input, int8_t *output);
void fxp_depthwise_conv2d_s8(const fxp_depthwise_conv2d_s8_args *args, const int8_t *input, int8_t *output);
void fxp_average_pool_s8(const fxp_average_pool_s8_args *args, const int8_t *input, int8_t *output);
void fxp_dense_s8(const fxp_dense_s8_args *args, const int8_t *input, int8_t *output);

#endif
