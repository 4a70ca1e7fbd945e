/*
 * Depthwise 3x3 convolution with stride 1 and padding 1 on row pairs, four channels at a time.
 *
 * input    row pairs for depthwise
 * weights  as fxp_depthwise_loop_row_pairs_dsp_lanes.h draws them, channel by channel; or codes, from which they are
 *          made channel by channel
 * output   row pairs for pointwise, the other lead; may begin where the input does
 * scratch  four panels, each [row pairs][width]
 *
 * The copy to panels takes bytes apart, clears what a row pair holds of rows outside the tensor, and allows work in
 * place: the outputs of a channel quad overwrite nothing but its inputs.
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

/* A channel quad whose weights are made channel by channel. */
static void loop_of_codes(
    const fxp_depthwise_conv2d_row_pairs_dsp_lanes_args *args, int32_t channel, const fxp_word *panel, fxp_code16 *out
) {
    const int32_t panel_words = (args->height + args->lead + 1) / 2 * args->width;
    uint32_t expanded[WEIGHT_WORDS];
    for (int32_t i = channel; i < channel + FXP_CHANNEL_BLOCK; ++i) {
        expand(args->codes + CODES * i, args->bias[i], args->scale, expanded);
        args->loop(panel, expanded, out++, 1);
        panel += panel_words;
    }
}

void fxp_depthwise_conv2d_row_pairs_dsp_lanes(
    const fxp_depthwise_conv2d_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *weights = args->weights;
    const fxp_word *in = input;
    fxp_code16 *out = output;

    for (int32_t channel = 0; channel < args->channels; channel += FXP_CHANNEL_BLOCK) {
        args->panels(in, scratch);
        if (args->weights != NULL) {
            args->loop(scratch, weights, out, FXP_CHANNEL_BLOCK);
            weights += FXP_CHANNEL_BLOCK * WEIGHT_WORDS;
        } else {
            loop_of_codes(args, channel, scratch, out);
        }
        out += FXP_CHANNEL_BLOCK;
        in += FXP_CHANNEL_BLOCK / 2;
    }
}
