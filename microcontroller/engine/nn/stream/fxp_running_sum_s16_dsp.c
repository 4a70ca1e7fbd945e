/*
 * Running sums over the last rows of a stream, int16 activations, two channels at a time.
 *
 * input  [positions][words]
 * sums   [words] | rows [rows][words] | offset of the oldest row, in words; [words] alone where no row is taken off
 *
 * Halfwords are added modulo 2^16, carries lost; the plan proves that what they come to fits.
 */
#include "nn/dsp/fxp_column_sums.h"
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

static inline void add_word(fxp_word *sum, fxp_word *row, uint32_t added) {
    *sum = subtract16(fxp_add16(*sum, added), *row);
    *row = added;
}

static void add_row(const fxp_running_sum_s16_dsp_args *args, const fxp_word *in, fxp_word *sum) {
    const int32_t words = args->words;
    int32_t word = 0;
    for (; word < words - 3; word += 4) {
        uint32_t added[4];
        fxp_column_sums(in + word, words, args->positions, added);
        sum[word] = fxp_add16(sum[word], added[0]);
        sum[word + 1] = fxp_add16(sum[word + 1], added[1]);
        sum[word + 2] = fxp_add16(sum[word + 2], added[2]);
        sum[word + 3] = fxp_add16(sum[word + 3], added[3]);
    }
    for (; word < words; ++word) {
        sum[word] = fxp_add16(sum[word], fxp_column_sum(in + word, words, args->positions));
    }
}

static void move_row(const fxp_running_sum_s16_dsp_args *args, const fxp_word *in, fxp_word *sum, fxp_word *row) {
    const int32_t words = args->words;
    int32_t word = 0;
    for (; word < words - 3; word += 4) {
        uint32_t added[4];
        fxp_column_sums(in, words, args->positions, added);
        add_word(sum, row, added[0]);
        add_word(sum + 1, row + 1, added[1]);
        add_word(sum + 2, row + 2, added[2]);
        add_word(sum + 3, row + 3, added[3]);
        in += 4;
        sum += 4;
        row += 4;
    }
    for (; word < words; ++word) {
        add_word(sum++, row++, fxp_column_sum(in++, words, args->positions));
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

    move_row(args, input, sum, rows + *oldest);
    *oldest += (uint32_t)words;
    if (*oldest == (uint32_t)(args->rows * words)) {
        *oldest = 0;
    }
}
