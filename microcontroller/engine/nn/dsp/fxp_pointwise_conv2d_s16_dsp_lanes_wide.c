/*
 * 1x1 convolution with stride 1, int16 activations of at most 7 bits without a sign, four positions at a time and four
 * products per instruction.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_s16_dsp_lanes.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  [4][input_words] codes, then [2][channel] p0 + 2^14 p1
 *
 * There are at least four positions. Where the last ones are fewer than four, those before them are computed once more
 * from their copies, to the same codes.
 */
#include "nn/dsp/fxp_combined_positions.h"
#include "nn/dsp/fxp_copied_words.h"

static void
four(const fxp_pointwise_conv2d_s16_dsp_lanes_wide_args *args, const fxp_word *in, fxp_word *to, fxp_word *out) {
    const int32_t words = args->input_words;
    fxp_combined_positions(in, in + words, to, words);
    fxp_combined_positions(in + 2 * words, in + 3 * words, to + 2 * words, words);
    args->loop(to, args->weights, args->weights + args->weights_words, out);
}

void fxp_pointwise_conv2d_s16_dsp_lanes_wide(
    const fxp_pointwise_conv2d_s16_dsp_lanes_wide_args *args, const void *input, void *output, void *scratch
) {
    const int32_t words = args->input_words;
    const int32_t rest = args->positions % 4;
    const int32_t whole = args->positions / 4;
    fxp_word *const last = scratch;
    fxp_word *const combined = last + 4 * words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t block = 0; block < whole; ++block) {
        if (block == whole - 1) {
            fxp_copied_words(in + rest * words, last, (4 - rest) * words);
        }
        four(args, in, combined, out);
        in += 4 * words;
        out += 4 * args->output_words;
    }
    if (rest != 0) {
        fxp_copied_words(in, last + (4 - rest) * words, rest * words);
        four(args, last, combined, out - (4 - rest) * args->output_words);
    }
}
