/* Tiles of the loops on row pairs that walk several position pairs by themselves. */
#include "tiles.h"

#include <string.h>

/* One to three position pairs, one or two turns of channel quads; what is copied on the way is compared, too. */
static uint32_t halves_tile(void) {
    const uint32_t chosen = draw() % HALVES_KERNELS;
    const int32_t steps = dsp_kernels.halves[chosen].steps;
    const int32_t quads = dsp_kernels.halves[chosen].quads * (1 + (int32_t)(draw() % 2));
    const int32_t position_pairs = 1 + (int32_t)(draw() % 3);
    const int32_t words = quads * (4 + 4 * steps);
    const int32_t output_words = 2 * quads * position_pairs;
    const size_t bytes = sizeof(fxp_word) * (size_t)(output_words + 4 * steps + 1);
    fill_few_bits(2 * steps * position_pairs, 1);
    fill_weights(words, draw() % 4);
    for (int32_t i = 0; i < words; ++i) {
        weights[i] = i % (4 + 4 * steps) < 4 ? bias() : weights[i];
    }
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    for (int32_t i = 0; i < 2; ++i) {
        const struct halves_kernel kernel = (i == 0 ? &dsp_kernels : &twin_kernels)->halves[chosen];
        const fxp_word *const end = input + 2 * steps * position_pairs;
        kernel.function(input, end, weights, weights + words, outputs[i], outputs[i] + output_words);
    }
    return different(outputs[0], outputs[1], bytes);
}

/* Two or four channel quads of a single position; odd halves of words are int16 of few bits. */
static uint32_t single_tile(void) {
    const uint32_t chosen = draw() % HALVES_KERNELS;
    const int32_t steps = dsp_kernels.halves[chosen].steps;
    const int32_t quads = 2 * (1 + (int32_t)(draw() % 2));
    const int32_t words = quads * (4 + 4 * steps);
    const size_t bytes = sizeof(fxp_word) * (size_t)(2 * quads + 1);
    fill_few_bits(2 * steps, 2);
    fill_weights(words, draw() % 4);
    for (int32_t i = 0; i < words; ++i) {
        weights[i] = i % (4 + 4 * steps) < 4 ? bias() : weights[i];
        input[i % (2 * steps)] <<= i < 2 * steps ? draw() % 5 : 0;
    }
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    dsp_kernels.halves[chosen].single(input, weights, weights + words, outputs[0]);
    twin_kernels.halves[chosen].single(input, weights, weights + words, outputs[1]);
    return different(outputs[0], outputs[1], bytes);
}

/* One to three turns of columns; any words are codes, and sums wrap. */
static uint32_t sum_tile(void) {
    const uint32_t chosen = draw() % SUM_KERNELS;
    const struct sum_kernel kernel = dsp_kernels.sums[chosen];
    const int32_t turns = 1 + (int32_t)(draw() % (kernel.position_bytes > 1020 ? 1 : 3));
    const int32_t position_words = kernel.position_bytes / 4;
    const int32_t columns = turns * kernel.columns;
    const uint32_t greatest = draw() % 2 == 0 ? 0xffffffffu : 0x0f0f0f0fu;
    for (int32_t i = 0; i < columns * kernel.words; ++i) {
        input[i / kernel.words * position_words + i % kernel.words] = draw() & greatest;
    }
    for (int32_t i = 0; i < 2 * kernel.words; ++i) {
        outputs[0][i] = draw();
    }
    memcpy(outputs[1], outputs[0], sizeof(fxp_word) * 8);
    const fxp_word *const end = input + columns * position_words;
    kernel.function(input, end, (uint32_t *)outputs[0]);
    twin_kernels.sums[chosen].function(input, end, (uint32_t *)outputs[1]);
    return different(outputs[0], outputs[1], sizeof(fxp_word) * 8);
}

/* Two channel pairs of a row, odd and even rows of the window; any words are weights, codes are int8, and lanes are left in
 * every way. */
static uint32_t conv_row_tile(void) {
    enum { CHANNEL_PAIRS = 2, COLUMNS = 5 };
    const uint32_t chosen = draw() % CONV_ROW_KERNELS;
    const int32_t rows = dsp_kernels.conv_rows[chosen].rows;
    const int32_t pairs = (rows + 1) / 2;
    const int32_t words = CHANNEL_PAIRS * (6 + 4 * (pairs + rows));
    const size_t bytes = (size_t)(COLUMNS * dsp_kernels.conv_rows[chosen].position_bytes);
    const uint32_t kind = draw() % 2;
    for (int32_t i = 0; i < 10 * pairs; ++i) {
        const uint32_t low = (uint32_t)(int8_t)(draw() & 0xffu);
        const uint32_t high = (uint32_t)(kind == 0 ? -128 : (int8_t)(draw() & 0xffu)) << 16;
        input[i] = i % 10 < 2 ? high | (low & 0xffffu) : low + high;
    }
    fill_weights(words, draw() % 4);
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    for (int32_t i = 0; i < 2; ++i) {
        const struct conv_row_kernel kernel = (i == 0 ? &dsp_kernels : &twin_kernels)->conv_rows[chosen];
        kernel.function(input, weights, weights + words, (fxp_code16 *)outputs[i]);
    }
    return different(outputs[0], outputs[1], bytes);
}

uint32_t row_pair_tiles(void) {
    return halves_tile() + single_tile() + sum_tile() + conv_row_tile();
}
