/*
 * Running sums over the last rows of a stream, int16 activations, two channels at a time.
 *
 * input  [positions][words]
 * sums   [words] | rows [rows][words] | offset of the oldest row, in words; [words] alone where no row is taken off
 *
 * Halfwords are added modulo 2^16, carries lost; the plan proves that what they come to fits.
 */
#include "nn/stream/fxp_stream.h"

/* Halfword by halfword, borrows lost. */
static uint32_t subtract16(uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm("usub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b) : "cc");
    return result;
#else
    return ((a - b) & 0xffffu) | ((a >> 16) - (b >> 16)) << 16;
#endif
}

/* Over a row's positions. */
static uint32_t sum_of_row(const fxp_running_sum_s16_dsp_args *args, const fxp_word *in) {
    uint32_t sum = 0;
    for (int32_t position = 0; position < args->positions; ++position) {
        sum = fxp_add16(sum, *in);
        in += args->words;
    }
    return sum;
}

static void add_row(const fxp_running_sum_s16_dsp_args *args, const fxp_word *input, fxp_word *sum) {
    for (int32_t word = 0; word < args->words; ++word) {
        sum[word] = fxp_add16(sum[word], sum_of_row(args, input + word));
    }
}

void fxp_running_sum_s16_dsp(const fxp_running_sum_s16_dsp_args *args, const void *input, void *sums) {
    const int32_t words = args->words;
    if (args->rows == 0) {
        add_row(args, input, sums);
        return;
    }
    fxp_word *const sum = sums;
    fxp_word *const rows = sum + words;
    fxp_word *const oldest = rows + args->rows * words;
    fxp_word *const row = rows + *oldest;

    for (int32_t word = 0; word < words; ++word) {
        const uint32_t added = sum_of_row(args, (const fxp_word *)input + word);
        sum[word] = subtract16(fxp_add16(sum[word], added), row[word]);
        row[word] = added;
    }
    *oldest += (uint32_t)words;
    if (*oldest == (uint32_t)(args->rows * words)) {
        *oldest = 0;
    }
}
