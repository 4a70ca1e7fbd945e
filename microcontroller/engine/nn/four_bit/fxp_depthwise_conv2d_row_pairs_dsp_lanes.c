/*
 * Depthwise 3x3 convolution with stride 1 and padding 1 on row pairs, two channels at a time.
 *
 * input    row pairs for depthwise
 * weights  as fxp_depthwise_loop_row_pairs_dsp_lanes.h draws them, channel by channel; or codes, from which they are
 *          made channel by channel
 * output   row pairs for pointwise, the other lead; may begin where the input does
 * scratch  two panels, each [row pairs][width]
 *
 * The copy to panels takes bytes apart, clears what a row pair holds of rows outside the tensor, and allows work in
 * place: the outputs of a channel pair overwrite nothing but its inputs.
 */
#include "nn/four_bit/fxp_four_bit.h"

enum { WEIGHT_WORDS = 7, WINDOW = 3, CODES = 9 };

/* A channel's weights for the inner loop, from its codes [column][row]. */
static void expand(const int8_t *codes, uint32_t bias, int32_t scale, uint32_t *words) {
    const int32_t factor = 1 << scale;
    for (int32_t column = 0; column < WINDOW; ++column) {
        words[column] = (uint32_t)((codes[2] + codes[1] * (1 << 16)) * factor);
        words[WINDOW + column] = (uint32_t)(codes[0] * factor);
        codes += WINDOW;
    }
    words[WEIGHT_WORDS - 1] = bias;
}

/* Row `half` of every row pair. */
static void clear(fxp_word *panel0, fxp_word *panel1, int32_t width, int32_t half) {
    fxp_code16 *row0 = (fxp_code16 *)panel0 + half;
    fxp_code16 *row1 = (fxp_code16 *)panel1 + half;
    for (int32_t x = 0; x < width; ++x) {
        row0[2 * x] = 0;
        row1[2 * x] = 0;
    }
}

void fxp_depthwise_conv2d_row_pairs_dsp_lanes(
    const fxp_depthwise_conv2d_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const int32_t row_pairs = (args->height + args->lead + 1) / 2;
    const int32_t last_row = (row_pairs - 1) * args->width;
    fxp_word *const panel0 = scratch;
    fxp_word *const panel1 = panel0 + row_pairs * args->width;
    const uint32_t *weights = args->weights;
    const fxp_word *in = input;
    fxp_code16 *out = output;
    uint32_t expanded[2 * WEIGHT_WORDS];

    for (int32_t channel = 0; channel < args->channels; channel += 2) {
        args->panels(in, panel0, panel1);
        if (args->lead) {
            clear(panel0, panel1, args->width, 0);
        }
        if ((args->height + args->lead) % 2 != 0) {
            clear(panel0 + last_row, panel1 + last_row, args->width, 1);
        }
        if (args->weights == NULL) {
            const int8_t *codes = args->codes + CODES * channel;
            expand(codes, args->bias[channel], args->scale, expanded);
            expand(codes + CODES, args->bias[channel + 1], args->scale, expanded + WEIGHT_WORDS);
            weights = expanded;
        }
        args->loop(panel0, weights, out);
        args->loop(panel1, weights + WEIGHT_WORDS, out + 1);
        weights += 2 * WEIGHT_WORDS;
        ++in;
        out += 2;
    }
}
