/*
 * 1x1 convolution with stride 1 on row pairs, four products per instruction, in lanes that end where halfwords do.
 *
 * input    row pairs for pointwise
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes_halves.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  two positions for the loop, or one
 *
 * The two positions are the rows of a row pair. Where one of the rows is not the tensor's, the positions of the other are
 * computed one by one, by a loop of eight channels at a time; of an odd number of channel quads the second one twice.
 */
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

enum { BIASES = 4, QUAD_WORDS = 2 };

/* Codes of a row of a row pair, scaled, as int16. */
static void copy_position(const fxp_word *input, fxp_word *position, int32_t words, int32_t right, uint32_t mask) {
    const fxp_word *const end = input + words;
    const uint32_t left = (uint32_t)-right & 31u;
    while (input < end) {
        const uint32_t first = input[0];
        const uint32_t second = input[1];
        position[0] = (first << left | first >> (-left & 31u)) & mask;
        position[1] = (second << left | second >> (-left & 31u)) & mask;
        input += 2;
        position += 2;
    }
}

/* A row pair of which only one row is the tensor's: 0 the upper one, 1 the lower one. */
static void half_row_pairs(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args *args,
    const fxp_word *in,
    fxp_word *out,
    fxp_word *position,
    int32_t row
) {
    const uint32_t mask = fxp_row_pairs_mask(args->code_at) << args->scale;
    const uint32_t *const end = args->weights + args->weights_words;
    const uint32_t *const second = args->weights + BIASES + 2 * args->input_words;
    const uint32_t *const third = second + BIASES + 2 * args->input_words;
    const int32_t odd = args->output_words / QUAD_WORDS % 2;
    for (int32_t x = 0; x < args->width; ++x) {
        copy_position(in, position, args->input_words, args->code_at + 8 * row - args->scale, mask);
        if (odd != 0) {
            args->single(position, args->weights, third, out);
            args->single(position, second, end, out + QUAD_WORDS);
        } else {
            args->single(position, args->weights, end, out);
        }
        in += args->input_words;
        out += args->output_words;
    }
}

void fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args *args, const void *input, void *output, void *scratch
) {
    const fxp_word *in = input;
    fxp_word *out = output;
    const int32_t whole = (args->height - args->lead) / 2 * args->width;

    if (args->lead) {
        half_row_pairs(args, in, out, scratch, 1);
        in += args->width * args->input_words;
        out += args->width * args->output_words;
    }
    if (whole > 0) {
        const fxp_word *const end = in + whole * args->input_words;
        args->loop(in, end, args->weights, args->weights + args->weights_words, out, scratch);
        in = end;
        out += whole * args->output_words;
    }
    if ((args->height - args->lead) % 2 != 0) {
        half_row_pairs(args, in, out, scratch, 0);
    }
}
