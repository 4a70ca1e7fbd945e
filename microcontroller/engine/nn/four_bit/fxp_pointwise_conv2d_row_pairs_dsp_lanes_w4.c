/*
 * 1x1 convolution with stride 1 on row pairs, four products per instruction, weights as nibbles.
 *
 * input    row pairs for pointwise
 * codes    [channel quad]{ bias c0c1 | bias c2c3 | [two input channels] a word of eight nibbles }, with w0 and w2 8
 *          more:
 *
 *              bit   28      24      20      16      12       8       4       0
 *                 +-------+-------+-------+-------+-------+-------+-------+-------+
 *                 | c1 k1 | c2 k0 | c3 k0 | c0 k1 | c1 k0 | c2 k1 | c3 k1 | c0 k0 |
 *                 +-------+-------+-------+-------+-------+-------+-------+-------+
 *
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  the weights of a channel quad as fxp_matrix_loop_row_pairs_dsp_lanes.h draws them, then position pairs
 *
 * AND with 0xf00ff00f leaves c0 and c1 of k0 and k1 as w0 + 8 + 4096 w1 in two halfwords, and with the word rotated by
 * 8, which costs nothing, c2 and c3; UADD16 takes the 8 away. The expanded weights of a channel quad serve many
 * positions, so this is less than taking nibbles apart in the inner loop.
 */
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

static const uint32_t NIBBLES = 0xf00ff00fu;
static const uint32_t LESS_8 = 0xfff8fff8u;

/* So many words of nibbles, a multiple of 2. */
static void expand(const uint32_t *codes, fxp_word *weights, int32_t words) {
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    /* The compiler forms no LDM and STM of interleaved registers. */
    for (; i < words - 3; i += 4) {
        __asm volatile("ldm %0!, {r4, r6, r10, r12}\n"
                       "and r5, %2, r4, ror #8\n"
                       "and r4, %2, r4\n"
                       "and r8, %2, r6, ror #8\n"
                       "and r6, %2, r6\n"
                       "and r11, %2, r10, ror #8\n"
                       "and r10, %2, r10\n"
                       "and lr, %2, r12, ror #8\n"
                       "and r12, %2, r12\n"
                       "uadd16 r4, r4, %3\n"
                       "uadd16 r5, r5, %3\n"
                       "uadd16 r6, r6, %3\n"
                       "uadd16 r8, r8, %3\n"
                       "uadd16 r10, r10, %3\n"
                       "uadd16 r11, r11, %3\n"
                       "uadd16 r12, r12, %3\n"
                       "uadd16 lr, lr, %3\n"
                       "stm %1!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                       : "+&r"(codes), "+&r"(weights)
                       : "r"(NIBBLES), "r"(LESS_8)
                       : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "cc", "memory");
    }
#endif
    for (; i < words; ++i) {
        const uint32_t both = *codes++;
        *weights++ = fxp_add16(both & NIBBLES, LESS_8);
        *weights++ = fxp_add16((both >> 8 | both << 24) & NIBBLES, LESS_8);
    }
}

/* All output channels of position pairs. */
static void
run(const fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4_args *args,
    fxp_word *weights,
    const fxp_word *position_pairs_end,
    fxp_word *out) {
    const int32_t words = args->input_words;
    const fxp_word *const position_pairs = weights + 2 * words + 2;
    const uint32_t *codes = args->codes;
    for (int32_t word = 0; word < args->output_words; word += 2) {
        weights[0] = codes[0];
        weights[1] = codes[1];
        expand(codes + 2, weights + 2, words);
        args->loop(position_pairs, weights, position_pairs_end, out + word, 4 * args->output_words);
        codes += words + 2;
    }
}

/* A row pair of which only one row is the tensor's: 0 the upper one, 1 the lower one. */
static void half_row_pairs(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4_args *args,
    const fxp_word *in,
    fxp_word *out,
    fxp_word *scratch,
    int32_t row
) {
    const int32_t words = args->input_words;
    const int32_t most = 2 * args->position_pairs_at_once;
    for (int32_t left = args->width; left > 0; left -= most) {
        const int32_t columns = left < most ? left : most;
        fxp_word *position_pair = scratch + 2 * words + 2;
        for (int32_t x = 0; x < columns; x += 2) {
            fxp_position_pair_columns(
                in + x * words, in + (x + (x + 1 < columns)) * words, row, position_pair, words, args->code_at
            );
            position_pair += 2 * words;
        }
        run(args, scratch, position_pair, out);
        fxp_spread_columns(out, columns, row, args->output_words);
        in += columns * words;
        out += columns * args->output_words;
    }
}

void fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4_args *args, const void *input, void *output, void *scratch
) {
    const fxp_word *in = input;
    fxp_word *out = output;
    const int32_t words = args->input_words;

    if (args->lead) {
        half_row_pairs(args, in, out, scratch, 1);
        in += args->width * words;
        out += args->width * args->output_words;
    }
    for (int32_t left = (args->height - args->lead) / 2 * args->width; left > 0; left -= args->position_pairs_at_once) {
        const int32_t position_pairs = left < args->position_pairs_at_once ? left : args->position_pairs_at_once;
        fxp_word *position_pair = (fxp_word *)scratch + 2 * words + 2;
        for (int32_t i = 0; i < position_pairs; ++i) {
            fxp_position_pair_row_pairs(in, position_pair, words, args->code_at);
            in += words;
            position_pair += 2 * words;
        }
        run(args, scratch, position_pair, out);
        out += position_pairs * args->output_words;
    }
    if ((args->height - args->lead) % 2 != 0) {
        half_row_pairs(args, in, out, scratch, 0);
    }
}
