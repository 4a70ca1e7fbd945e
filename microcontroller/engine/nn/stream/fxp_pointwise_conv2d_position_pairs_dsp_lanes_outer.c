/*
 * 1x1 convolution of a stream's rows, unsigned codes of at most seven bits in position pairs, four products per
 * instruction as outer products of two positions and two output channels.
 *
 * input    position pairs [rows]{ [width / 2][word]{ p0 | p1 }, [word] of the last position }
 * weights  as fxp_matrix_loop_s16_dsp_lanes.h draws them
 * output   channel rows, or int16 [rows][width][channels]: what the loop writes
 * scratch  [channel] p0 + 2^14 p1
 *
 * Beside the last of an odd number of positions, zeros are computed and lost.
 */
#include "nn/stream/fxp_stream.h"

#if defined(__ARM_FEATURE_DSP)

/* The compiler forms neither LDM nor BFI of this. */
#define COMBINE_TWO_WORDS(times)                                                                                       \
    __asm volatile(".rept " #times "\n"                                                                                \
                   "ldm %0!, {r4, r5, r6, r8}\n"                                                                       \
                   "ubfx r10, r4, #0, #7\n"                                                                            \
                   "ubfx r12, r6, #0, #7\n"                                                                            \
                   "lsr r11, r4, #16\n"                                                                                \
                   "lsr lr, r6, #16\n"                                                                                 \
                   "bfi r10, r5, #14, #7\n"                                                                            \
                   "bfi r12, r8, #14, #7\n"                                                                            \
                   "lsr r5, r5, #16\n"                                                                                 \
                   "lsr r8, r8, #16\n"                                                                                 \
                   "orr r11, r11, r5, lsl #14\n"                                                                       \
                   "orr lr, lr, r8, lsl #14\n"                                                                         \
                   "stm %1!, {r10, r11, r12, lr}\n"                                                                    \
                   ".endr\n"                                                                                           \
                   : "+&r"(position_pair), "+&r"(to)                                                                   \
                   :                                                                                                   \
                   : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory")

/* to  [channel] p0 + 2^14 p1, of so many words of both, a multiple of 2 */
static void combine(const fxp_word *position_pair, fxp_word *to, int32_t words) {
    for (; words >= 8; words -= 8) {
        COMBINE_TWO_WORDS(4);
    }
    for (; words > 0; words -= 2) {
        COMBINE_TWO_WORDS(1);
    }
}

/* to  [channel] p, of so many words, a multiple of 2 */
static void spread(const fxp_word *position, fxp_word *to, int32_t words) {
    for (; words > 0; words -= 2) {
        __asm volatile("ldm %0!, {r5, r8}\n"
                       "uxth r4, r5\n"
                       "lsr r5, r5, #16\n"
                       "uxth r6, r8\n"
                       "lsr r8, r8, #16\n"
                       "stm %1!, {r4, r5, r6, r8}\n"
                       : "+&r"(position), "+&r"(to)
                       :
                       : "r4", "r5", "r6", "r8", "memory");
    }
}

#else

static void combine(const fxp_word *position_pair, fxp_word *to, int32_t words) {
    for (; words > 0; --words) {
        const uint32_t p0 = *position_pair++;
        const uint32_t p1 = *position_pair++;
        *to++ = (p0 & 0xffffu) | (p1 & 0xffffu) << 14;
        *to++ = p0 >> 16 | p1 >> 16 << 14;
    }
}

static void spread(const fxp_word *position, fxp_word *to, int32_t words) {
    for (; words > 0; --words) {
        *to++ = *position & 0xffffu;
        *to++ = *position++ >> 16;
    }
}

#endif

void fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer(
    const fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *row = output;

    for (int32_t rows = args->rows; rows > 0; --rows) {
        fxp_word *out = row;
        for (int32_t position_pairs = args->width / 2; position_pairs > 0; --position_pairs) {
            combine(in, scratch, args->input_words);
            args->loop(scratch, args->weights, weights_end, out, out + args->position_words);
            in += 2 * args->input_words;
            out += args->position_pair_words;
        }
        if (args->single_loop != NULL) {
            spread(in, scratch, args->input_words);
            args->single_loop(scratch, args->weights, weights_end, out, out);
            in += args->input_words;
        }
        row += args->output_words;
    }
}
