/*
 * Average pooling over all positions as a sum and a shift, int16 activations.
 *
 * input    [positions][words]
 * output   [words]
 *
 * Halfwords are summed two at a time, which the plan proves to fit: 16 bits with or without a sign.
 */
#include "nn/dsp/fxp_column_sums.h"

static inline __attribute__((always_inline)) int32_t
code(int32_t sum, int32_t is_signed, int32_t shift, int32_t least, int32_t most) {
    const int32_t rounded = sum >> shift;
    const int32_t low = is_signed && rounded < least ? least : rounded;
    return low > most ? most : low;
}

/* Of two channels whose sums are words' halves, without a sign, where no code is below 0, or with one. */
static inline __attribute__((always_inline)) uint32_t
average(uint32_t sums, int32_t is_signed, int32_t bias, fxp_requantization to) {
    const int32_t low = is_signed ? fxp_low(sums) : (int32_t)(sums & 0xffffu);
    const int32_t high = is_signed ? fxp_high(sums) : (int32_t)(sums >> 16);
    return fxp_halves(
        code(low + bias, is_signed, to.shift, to.min_code, to.max_code),
        code(high + bias, is_signed, to.shift, to.min_code, to.max_code)
    );
}

static inline __attribute__((always_inline)) void
pool(const fxp_average_pool_s16_dsp_args *args, const fxp_word *column, fxp_word *out, int32_t is_signed) {
    const fxp_requantization to = args->requantization;
    const int32_t bias = args->bias;
    const int32_t words = args->words;
    int32_t word = 0;

    for (; word < words - 3; word += 4) {
        uint32_t sums[4];
        fxp_column_sums(column, words, args->positions, sums);
        out[0] = average(sums[0], is_signed, bias, to);
        out[1] = average(sums[1], is_signed, bias, to);
        out[2] = average(sums[2], is_signed, bias, to);
        out[3] = average(sums[3], is_signed, bias, to);
        out += 4;
        column += 4;
    }
    for (; word < words; ++word) {
        *out++ = average(fxp_column_sum(column, words, args->positions), is_signed, bias, to);
        ++column;
    }
}

void fxp_average_pool_s16_dsp(const fxp_average_pool_s16_dsp_args *args, const void *input, void *output) {
    if (args->is_signed) {
        pool(args, input, output, 1);
    } else {
        pool(args, input, output, 0);
    }
}
