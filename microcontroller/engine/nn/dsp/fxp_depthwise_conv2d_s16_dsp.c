/*
 * Depthwise 3x3 convolution with stride 1 or 2, int16 activations, two channels at a time.
 *
 * input    [input.height][input.width][input.channels]
 * weights  as fxp_depthwise_output_s16_dsp.h draws them, channel by channel; or codes, from which they are made channel
 *          by channel
 * output   [output.height][output.width][input.channels]; may begin where the input does, with at most as many
 *          positions
 * scratch  two panels, each [row_pairs][panel_width]: as much of the padded input as the windows reach
 *
 * The copy to panels pads, joins two rows for SMLAD, and allows work in place: the outputs of a channel overwrite
 * nothing but inputs of that channel.
 */
#include "nn/dsp/fxp_dsp.h"

enum { WEIGHT_WORDS = 7, WINDOW = 3, CODES = 9 };

/* A channel's weights for the inner loop, from its codes [column][row]. */
static void expand(const int8_t *codes, int32_t bias, int32_t scale, uint32_t *words) {
    const int32_t factor = 1 << scale;
    for (int32_t column = 0; column < WINDOW; ++column) {
        const int32_t w0 = codes[0] * factor;
        const int32_t w1 = codes[1] * factor;
        const int32_t w2 = codes[2] * factor;
        *words++ = fxp_halves(w0, w1);
        *words++ = fxp_halves(w1, w2);
        codes += WINDOW;
    }
    *words = (uint32_t)bias;
}

/* A row pair of which one row may be padding; row may be -1 or input.height - 1. */
static void edge_row_pair(
    const fxp_depthwise_conv2d_s16_dsp_args *args, const fxp_word *in, int32_t row, fxp_word *to0, fxp_word *to1
) {
    const int32_t position = args->input.channels / 2;
    const int32_t row_words = args->input.width * position;
    for (int32_t x = 0; x < args->input.width; ++x) {
        const uint32_t upper = row < 0 ? 0 : in[row * row_words + x * position];
        const uint32_t lower = row + 1 >= args->input.height ? 0 : in[(row + 1) * row_words + x * position];
        to0[x] = fxp_halves(fxp_low(upper), fxp_low(lower));
        to1[x] = fxp_halves(fxp_high(upper), fxp_high(lower));
    }
}

void fxp_depthwise_conv2d_s16_dsp(
    const fxp_depthwise_conv2d_s16_dsp_args *args, const void *input, void *output, void *scratch
) {
    const int32_t panel_width = args->panel_width;
    const int32_t panel_words = args->row_pairs * panel_width;
    fxp_word *const panel0 = scratch;
    fxp_word *const panel1 = panel0 + panel_words;
    /* Row pairs of which both rows are input: row 2 * row pair - top >= 0 and the one below it. */
    const int32_t top = args->padding.top;
    const int32_t first_whole = (top + 1) / 2;
    const int32_t inside = (args->input.height + top) / 2;
    const int32_t end_whole = inside < args->row_pairs ? inside : args->row_pairs;
    const fxp_word *in = input;
    fxp_word *out = output;
    const uint32_t *weights = args->weights;
    uint32_t expanded[2 * WEIGHT_WORDS];

    for (int32_t i = 0; i < 2 * panel_words; ++i) {
        panel0[i] = 0;
    }
    for (int32_t word = 0; word < args->input.channels / 2; ++word) {
        const int32_t row = 2 * first_whole - top;
        const int32_t first = first_whole * panel_width + args->padding.left;
        const int32_t end = end_whole * panel_width + args->padding.left;
        if (row > 0) {
            edge_row_pair(args, in, row - 2, panel0 + first - panel_width, panel1 + first - panel_width);
        }
        if (end_whole > first_whole) {
            const fxp_word *from = in + row * args->input.width * (args->input.channels / 2);
            args->panels(from, panel0 + first, panel1 + first, end_whole - first_whole);
        }
        if (end_whole < args->row_pairs && (args->input.height + top) % 2 != 0) {
            edge_row_pair(args, in, args->input.height - 1, panel0 + end, panel1 + end);
        }
        if (args->weights == NULL) {
            const int8_t *codes = args->codes + 2 * CODES * word;
            expand(codes, args->bias[2 * word], args->scale, expanded);
            expand(codes + CODES, args->bias[2 * word + 1], args->scale, expanded + WEIGHT_WORDS);
            weights = expanded;
        }
        args->loop(panel0, weights, out, args->output.height);
        args->loop(panel1, weights + WEIGHT_WORDS, (fxp_code16 *)out + 1, args->output.height);
        weights += 2 * WEIGHT_WORDS;
        ++in;
        ++out;
    }
}
