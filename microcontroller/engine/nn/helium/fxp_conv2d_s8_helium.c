/*
 * 2-D convolution on vectors, any window, stride and padding, two positions at a time.
 *
 * input    [input.height][input.width][input.channels]
 * weights  as fxp_matrix_loop_s8_helium.h draws them; the products of a window go [row][column][channel], filled up to
 *          whole vectors with zeros
 * output   planes (fxp_helium.h), or [positions][output channels]
 * scratch  two windows, then two positions' output, then the input with its padding
 *
 * A vector of a window is gathered in one instruction, by a table of the places of its sixteen codes. They are gathered
 * once for all output channels.
 */
#include "nn/helium/fxp_matrix_output_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#include <arm_mve.h>
#endif

static inline void gather(const fxp_conv2d_s8_helium_args *args, const int8_t *window, int8_t *to) {
    const uint8_t *codes = args->codes;
    const int32_t *from = args->from;
    int32_t vectors = args->vectors;
    do {
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
        vst1q_s8(to, vldrbq_gather_offset_s8(window + *from++, vld1q_u8(codes)));
#else
        for (int32_t i = 0; i < FXP_VECTOR; ++i) {
            to[i] = window[*from + codes[i]];
        }
        ++from;
#endif
        codes += FXP_VECTOR;
        to += FXP_VECTOR;
    } while (--vectors > 0);
}

void fxp_conv2d_s8_helium(const fxp_conv2d_s8_helium_args *args, const void *input, void *output, void *scratch) {
    const fxp_matrix matrix = {
        .weights = args->weights,
        .weights_end = args->weights + args->weights_words,
        .loop = args->loop,
        .offsets = args->offsets
    };
    const int32_t column = args->stride.horizontal * args->input.channels;
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    int8_t *const window0 = scratch;
    int8_t *const window1 = window0 + FXP_VECTOR * args->vectors;
    int8_t *const copies = window1 + FXP_VECTOR * args->vectors;
    int8_t *const padded = copies + (args->output.copied > 0 ? 2 * args->output.step : 0);
    int8_t *out = (int8_t *)output + args->output.first;
    const int32_t step = args->output.copied > 0 ? args->output.copied : args->output.step;
    int32_t waiting = 0;

    fxp_part_planes(&args->output, output);
    fxp_pad(args->input, args->padding, args->padded_height, args->padded_width, input, padded);
    for (int32_t y = 0; y < args->output_shape.height; ++y) {
        const int8_t *window = padded + y * row;
        for (int32_t x = 0; x < args->output_shape.width; ++x) {
            gather(args, window, waiting ? window1 : window0);
            if (waiting) {
                fxp_matrix_positions(&matrix, &args->output, window0, window1, out, copies);
                out += 2 * step;
            }
            waiting = !waiting;
            window += column;
        }
    }
    if (waiting) {
        fxp_matrix_positions(&matrix, &args->output, window0, window0, out, copies);
    }
}
