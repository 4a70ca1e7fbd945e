/*
 * 2-D convolution from int8 to int16, or to row pairs for depthwise with lead 1, as a product of polynomials.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_conv2d_loop_s16_dsp_lanes.h or fxp_conv2d_loop_row_pairs_dsp_lanes.h draws them; a tap is [row of the
 *          window modulo the stride][column][input channel]. Or NULL: they are made for a channel pair and a column of
 *          the output from
 * codes    [channel pair]{ 2 biases | [4 words W of weights] their nibbles }: of word i, which is w[odd] + w[even] z,
 *          w[odd] + 8 and w[even] are the upper nibbles of both halfwords of codes << 4 * i
 * output   int16 [height][width][channels]; or row pairs for depthwise, lead 1
 * scratch  the input with its padding, int8, in words; then the panel of one column of the output, [panel_rows][taps];
 *          then, without weights, weights_words
 */
#include "nn/dsp/fxp_dsp.h"
#include "nn/dsp/fxp_pad.h"

/* Row pair i of the panel holds rows 2i and 2i + 1 of each sequence. */
static void fill(const fxp_conv2d_s8_dsp_lanes_args *args, const int8_t *column, fxp_word *panel) {
    const int32_t next = args->stride.vertical * args->padded_row;
    const int32_t z = args->lane_bits;
    for (int32_t row_pair = 0; row_pair < args->panel_rows; ++row_pair) {
        for (int32_t sequence = 0; sequence < args->stride.vertical; ++sequence) {
            const int8_t *codes = column + sequence * args->padded_row;
            const int8_t *const end = codes + args->row_taps;
            while (codes < end - 3) {
                panel[0] = (uint32_t)codes[0] + ((uint32_t)codes[next] << z);
                panel[1] = (uint32_t)codes[1] + ((uint32_t)codes[next + 1] << z);
                panel[2] = (uint32_t)codes[2] + ((uint32_t)codes[next + 2] << z);
                panel[3] = (uint32_t)codes[3] + ((uint32_t)codes[next + 3] << z);
                panel += 4;
                codes += 4;
            }
            while (codes < end) {
                *panel++ = (uint32_t)codes[0] + ((uint32_t)codes[next] << z);
                ++codes;
            }
        }
        column += 2 * next;
    }
}

/* The word of weights in the upper nibbles of both halfwords, times 2^(12 - right). */
static uint32_t two(uint32_t codes, int32_t right) {
    return (uint32_t)((int32_t)((codes & 0xf000f000u) - 0x8000u) >> right);
}

/* All of a channel pair. */
static const uint32_t *expand(const uint32_t *codes, int32_t right, fxp_word *weights, int32_t words) {
    const fxp_word *const end = weights + words;
    *weights++ = *codes++;
    *weights++ = *codes++;
    while (weights < end) {
        const uint32_t four = *codes++;
        weights[0] = two(four, right);
        weights[1] = two(four << 4, right);
        weights[2] = two(four << 8, right);
        weights[3] = two(four << 12, right);
        weights += 4;
    }
    return codes;
}

void fxp_conv2d_s8_dsp_lanes(const fxp_conv2d_s8_dsp_lanes_args *args, const void *input, void *output, void *scratch) {
    const int32_t channel_pairs = args->output.channels / 2;
    const int32_t row_words = args->output.width * channel_pairs;
    int8_t *const padded = scratch;
    fxp_word *const panel = (fxp_word *)scratch + args->padded_words;
    fxp_word *const expanded = panel + args->panel_rows * args->stride.vertical * args->row_taps;

    fxp_pad(args->input, args->padding, args->padded_row, 4 * args->padded_words, input, padded);
    for (int32_t x = 0; x < args->output.width; ++x) {
        const uint32_t *weights = args->weights;
        const uint32_t *codes = args->codes;
        fxp_word *out = (fxp_word *)output + x * channel_pairs;
        fill(args, padded + x * args->stride.horizontal * args->input.channels, panel);
        for (int32_t channel_pair = 0; channel_pair < channel_pairs; ++channel_pair) {
            if (args->weights == NULL) {
                codes = expand(codes, args->right, expanded, args->weights_words);
                args->loop(panel, expanded, out, out + args->output_rows * row_words);
            } else {
                args->loop(panel, weights, out, out + args->output_rows * row_words);
                weights += args->weights_words;
            }
            ++out;
        }
    }
}
