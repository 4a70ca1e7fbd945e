/*
 * 1x1 convolution of a stream's rows, int16 activations that are unsigned codes of at most seven bits, four products per
 * instruction.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  two positions, [input_words]{ p0 | p1 }, then their outputs as the inner loop writes them, bytes
 *
 * The last of an odd number of positions is computed twice.
 */
#include "nn/dsp/fxp_position_pair_s16.h"
#include "nn/four_bit/fxp_position_pair_row_pairs.h"
#include "nn/stream/fxp_stream.h"

/* Bytes { p0c0 | p0c1 | p1c0 | p1c1 } to words { c0 | c1 } of two positions. */
static void widen(const fxp_word *codes, fxp_word *p0, fxp_word *p1, int32_t words) {
    const fxp_word *const end = codes + words;
    while (codes < end) {
        const uint32_t both = *codes++;
        const uint32_t c0 = fxp_uxtab16(0, both);
        const uint32_t c1 = fxp_uxtab16_ror8(0, both);
        *p0++ = fxp_lows(c0, c1);
        *p1++ = fxp_highs(c0, c1);
    }
}

void fxp_pointwise_conv2d_s16_rows_dsp_lanes(
    const fxp_pointwise_conv2d_s16_rows_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;
    fxp_word *const position_pair = scratch;
    fxp_word *const codes = position_pair + 2 * args->input_words;

    for (int32_t position = 0; position < args->positions; position += 2) {
        const int32_t another = position + 1 < args->positions;
        fxp_position_pair_s16(in, in + another * args->input_words, position_pair, args->input_words);
        args->loop(position_pair, args->weights, weights_end, codes);
        widen(codes, out, out + another * args->output_words, args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
}
