/*
 * 2-D convolution from int8 to row pairs for depthwise without lead, a pair of rows at a time.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_conv2d_s16.c and fxp_pair_products.h draw them
 * output   row pairs for depthwise, lead 0
 * scratch  the pair, [step]{ p0 | p1 | p0 | p1 }, the outputs of both positions as int16, then the input with its padding,
 *          int8, 3 bytes more than its rows
 *
 * A row of the window is contiguous in the padded input, whatever its width and channels; so a step is one LDR and two
 * SXTB16 per position. The weights of codes beyond the row are 0.
 */
#include "fxp_position_pair.h"

#include <string.h>

static void pad(const fxp_conv2d_pairs_args *args, const int8_t *input, int8_t *padded) {
    const int32_t row = args->input.width * args->input.channels;
    const int32_t padded_row = args->padded_width * args->input.channels;
    const int32_t bytes = args->padded_height * padded_row + 3;
    memset(padded, 0, (size_t)bytes);
    padded += args->padding.top * padded_row + args->padding.left * args->input.channels;
    for (int32_t y = 0; y < args->input.height; ++y) {
        memcpy(padded, input, (size_t)row);
        input += row;
        padded += padded_row;
    }
}

/* The codes under the windows at p0 and p1, in the order of the weights. */
static void gather(const fxp_conv2d_pairs_args *args, const int8_t *p0, const int8_t *p1, fxp_word *pair) {
    const int32_t skip = args->padded_width * args->input.channels - 4 * args->row_steps;
    for (int32_t row = 0; row < args->window_height; ++row) {
        for (int32_t step = 0; step < args->row_steps; ++step) {
            const uint32_t codes0 = fxp_load_codes(p0);
            const uint32_t codes1 = fxp_load_codes(p1);
            pair[0] = fxp_sxtb16(codes0);
            pair[1] = fxp_sxtb16(codes1);
            pair[2] = fxp_sxtb16_ror8(codes0);
            pair[3] = fxp_sxtb16_ror8(codes1);
            pair += 4;
            p0 += 4;
            p1 += 4;
        }
        p0 += skip;
        p1 += skip;
    }
}

void fxp_conv2d_pairs(const fxp_conv2d_pairs_args *args, const void *input, void *output, void *scratch) {
    fxp_word *const pair = scratch;
    fxp_word *const out0 = pair + args->pair_words;
    fxp_word *const out1 = out0 + args->output_words;
    int8_t *const padded = (int8_t *)(out1 + args->output_words);
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    const int32_t column = args->stride.horizontal * args->input.channels;
    const uint32_t *const weights_end = args->weights + args->weights_words;
    fxp_word *out = output;

    pad(args, input, padded);
    for (int32_t y = 0; y < args->output.height; y += 2) {
        const int8_t *window = padded + y * row;
        for (int32_t x = 0; x < args->output.width; ++x) {
            gather(args, window, window + row, pair);
            args->products(pair, args->weights, weights_end, out0, out1);
            fxp_depthwise_pair(out0, out1, out, args->output_words);
            out += args->output_words;
            window += column;
        }
    }
}
