/* Position pairs from the windows of an int8 input, for first convolutions. Names and terms: docs/glossary.md. */
#ifndef FXP_POSITION_PAIR_S8_H
#define FXP_POSITION_PAIR_S8_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/dsp/fxp_pad.h"

/*
 * What fxp_conv2d_s8_to_s16_dsp and fxp_conv2d_s8_to_row_pairs_dsp walk: the input with its padding, 3 bytes more than
 * its rows. A row of a window is contiguous in it, whatever its width and channels; so a step is one LDR and two SXTB16
 * per position.
 */
static inline void fxp_pad_windows(const fxp_conv2d_s8_to_s16_dsp_args *args, const int8_t *input, int8_t *padded) {
    const int32_t row = args->padded_width * args->input.channels;
    fxp_pad(args->input, args->padding, row, args->padded_height * row + 3, input, padded);
}

/* The codes under the windows at p0 and p1 in the order of the weights, [step]{ p0 | p1 | p0 | p1 }. */
static inline void fxp_position_pair_s8(
    const fxp_conv2d_s8_to_s16_dsp_args *args, const int8_t *p0, const int8_t *p1, fxp_word *position_pair
) {
    const int32_t skip = args->padded_width * args->input.channels - 4 * args->row_steps;
    for (int32_t row = 0; row < args->window_height; ++row) {
        for (int32_t step = 0; step < args->row_steps; ++step) {
#if defined(__ARM_FEATURE_DSP)
            /* Eight instructions; the compiler makes no STRD of them. */
            __asm volatile("ldr r4, [%0], #4\n"
                           "ldr r6, [%1], #4\n"
                           "sxtb16 r5, r4\n"
                           "sxtb16 r8, r6\n"
                           "sxtb16 r4, r4, ror #8\n"
                           "sxtb16 r6, r6, ror #8\n"
                           "strd r5, r8, [%2], #8\n"
                           "strd r4, r6, [%2], #8\n"
                           : "+r"(p0), "+r"(p1), "+r"(position_pair)
                           :
                           : "r4", "r6", "r5", "r8", "memory");
#else
            const uint32_t codes0 = fxp_load_codes(p0);
            const uint32_t codes1 = fxp_load_codes(p1);
            position_pair[0] = fxp_sxtb16(codes0);
            position_pair[1] = fxp_sxtb16(codes1);
            position_pair[2] = fxp_sxtb16_ror8(codes0);
            position_pair[3] = fxp_sxtb16_ror8(codes1);
            position_pair += 4;
            p0 += 4;
            p1 += 4;
#endif
        }
        p0 += skip;
        p1 += skip;
    }
}

#endif
