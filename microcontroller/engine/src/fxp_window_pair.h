/* Windows of an int8 input with its padding, for first convolutions of this folder. */
#ifndef FXP_WINDOW_PAIR_H
#define FXP_WINDOW_PAIR_H

#include "fxp_dsp.h"

#include <string.h>

/* Rows of `padded_row` bytes, 0 where the input is not, in so many bytes. */
static inline void
fxp_pad(fxp_shape shape, fxp_padding padding, int32_t padded_row, int32_t bytes, const int8_t *input, int8_t *padded) {
    const int32_t row = shape.width * shape.channels;
    memset(padded, 0, (size_t)bytes);
    padded += padding.top * padded_row + padding.left * shape.channels;
    for (int32_t y = 0; y < shape.height; ++y) {
        memcpy(padded, input, (size_t)row);
        input += row;
        padded += padded_row;
    }
}

/*
 * What fxp_conv2d_s16 and fxp_conv2d_pairs walk: the input with its padding, 3 bytes more than its rows. A row of a
 * window is contiguous in it, whatever its width and channels; so a step is one LDR and two SXTB16 per position.
 */
static inline void fxp_pad_windows(const fxp_conv2d_s16_args *args, const int8_t *input, int8_t *padded) {
    const int32_t row = args->padded_width * args->input.channels;
    fxp_pad(args->input, args->padding, row, args->padded_height * row + 3, input, padded);
}

/* The codes under the windows at p0 and p1 in the order of the weights, [step]{ p0 | p1 | p0 | p1 }. */
static inline void
fxp_window_pair(const fxp_conv2d_s16_args *args, const int8_t *p0, const int8_t *p1, fxp_word *pair) {
    const int32_t skip = args->padded_width * args->input.channels - 4 * args->row_steps;
    for (int32_t row = 0; row < args->window_height; ++row) {
        for (int32_t step = 0; step < args->row_steps; ++step) {
#if defined(__ARM_FEATURE_DSP)
            /* Eight instructions; the compiler makes no STRD of them. */
            __asm volatile("ldr r4, [%0], #4\n"
                           "ldr r6, [%1], #4\n"
                           "sxtb16 r8, r4\n"
                           "sxtb16 r9, r6\n"
                           "sxtb16 r4, r4, ror #8\n"
                           "sxtb16 r6, r6, ror #8\n"
                           "strd r8, r9, [%2], #8\n"
                           "strd r4, r6, [%2], #8\n"
                           : "+r"(p0), "+r"(p1), "+r"(pair)
                           :
                           : "r4", "r6", "r8", "r9", "memory");
#else
            const uint32_t codes0 = fxp_load_codes(p0);
            const uint32_t codes1 = fxp_load_codes(p1);
            pair[0] = fxp_sxtb16(codes0);
            pair[1] = fxp_sxtb16(codes1);
            pair[2] = fxp_sxtb16_ror8(codes0);
            pair[3] = fxp_sxtb16_ror8(codes1);
            pair += 4;
            p0 += 4;
            p1 += 4;
#endif
        }
        p0 += skip;
        p1 += skip;
    }
}

#endif
