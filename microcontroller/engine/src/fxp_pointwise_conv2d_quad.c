/*
 * 1x1 convolution with stride 1 on row pairs, four products per instruction.
 *
 * input    row pairs for 1x1
 * weights  as fxp_quad_products.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  two positions as int16, interleaved for the inner loop: what allows work in place; then outputs of two columns
 *
 * The two positions are the rows of a pair. Where one of the rows is not the tensor's, they are two columns of the other.
 */
#include "fxp_position_pair.h"

/* A row pair of which only one row is the tensor's: 0 the upper one, 1 the lower one. */
static void half_pairs(
    const fxp_pointwise_conv2d_quad_args *args, const fxp_word *in, fxp_word *out, fxp_word *scratch, int32_t row
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const int32_t in_words = args->input_words;
    const int32_t out_words = args->output_words;
    fxp_word *const both = scratch + 2 * in_words;
    const int32_t shift = 4 + 8 * row;

    for (int32_t x = 0; x < args->width; x += 2) {
        const int32_t another = x + 1 < args->width;
        const fxp_word *next = in + another * in_words;
        fxp_word *pair = scratch;
        for (int32_t i = 0; i < in_words; ++i) {
            *pair++ = in[i] >> shift & 0x000f000fu;
            *pair++ = next[i] >> shift & 0x000f000fu;
        }
        args->products(scratch, args->weights, weights_end, both);
        /* A halfword is in place for one of the columns; what the other half of a word holds has no meaning. */
        for (int32_t i = 0; i < out_words; ++i) {
            out[i] = row == 0 ? both[i] : both[i] << 16;
        }
        if (another) {
            for (int32_t i = 0; i < out_words; ++i) {
                out[out_words + i] = row == 0 ? both[i] >> 16 : both[i];
            }
        }
        in += 2 * in_words;
        out += 2 * out_words;
    }
}

void fxp_pointwise_conv2d_quad(
    const fxp_pointwise_conv2d_quad_args *args, const void *input, void *output, void *scratch
) {
    const fxp_word *in = input;
    fxp_word *out = output;
    const int32_t in_words = args->input_words;
    const int32_t out_words = args->output_words;
    const uint32_t *const weights = args->weights;
    const uint32_t *const weights_end = weights + args->weights_words;
    fxp_quad_products *const products = args->products;

    if (args->lead) {
        half_pairs(args, in, out, scratch, 1);
        in += args->width * in_words;
        out += args->width * out_words;
    }
    for (int32_t pairs = (args->height - args->lead) / 2 * args->width; pairs > 0; --pairs) {
        fxp_position_pair(in, scratch, in_words);
        products(scratch, weights, weights_end, out);
        in += in_words;
        out += out_words;
    }
    if ((args->height - args->lead) % 2 != 0) {
        half_pairs(args, in, out, scratch, 0);
    }
}
