/* Tiles of the loops on a stream's channel rows. */
#include "tiles.h"

#include <string.h>

enum { CHANNELS = 4, QUADS = 2 };

static void any_words(fxp_word *words, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        words[i] = draw();
    }
}

/* Any words are weights and sums, and lanes leave them in every way; what is kept and what is written is compared. */
static uint32_t depthwise_rows_tile(void) {
    const uint32_t chosen = draw() % CHANNEL_ROWS_KERNELS;
    const int32_t width = dsp_kernels.channel_rows[chosen].width;
    const int32_t sums = 2 * CHANNELS * (width / 2 + 1);
    const int32_t words = CHANNELS * (6 + width / 2 + 1);
    const size_t bytes = sizeof(fxp_word) * (size_t)(sums + width * dsp_kernels.channel_rows[chosen].words);
    fill_few_bits(CHANNELS * ((width + 1) / 2), 2);
    for (int32_t i = (width + 1) / 2 - 1; width % 2 != 0 && i < CHANNELS * ((width + 1) / 2); i += (width + 1) / 2) {
        input[i] &= 0xffffu;
    }
    fill_weights(words, draw() % 4);
    memset(outputs[0], 0x5a, bytes);
    any_words(outputs[0], sums);
    memcpy(outputs[1], outputs[0], bytes);
    for (int32_t i = 0; i < 2; ++i) {
        const struct channel_rows_kernel kernel = (i == 0 ? &dsp_kernels : &twin_kernels)->channel_rows[chosen];
        kernel.function(input, weights, outputs[i], outputs[i] + sums, weights + words);
    }
    return different(outputs[0], outputs[1], bytes);
}

/* Two positions, and one: the words of two channel quads, the single ones behind the others. */
static uint32_t matrix_rows_tile(void) {
    const uint32_t chosen = draw() % ROWS_LANES_KERNELS;
    const int32_t words = QUADS * (2 + 4 * dsp_kernels.channel_rows_lanes[chosen].steps);
    const size_t bytes = 4 * QUADS * 60 + 8;
    fill_few_bits(4 * dsp_kernels.channel_rows_lanes[chosen].steps, 2);
    fill_quads(QUADS, dsp_kernels.channel_rows_lanes[chosen].steps);
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    for (int32_t i = 0; i < 2; ++i) {
        const struct rows_lanes_kernel kernel = (i == 0 ? &dsp_kernels : &twin_kernels)->channel_rows_lanes[chosen];
        kernel.function(input, weights, weights + words, outputs[i], NULL);
        kernel.single(input, weights, weights + words, outputs[i] + 1);
    }
    return different(outputs[0], outputs[1], bytes);
}

/* The same as outer products of two positions' codes of seven bits. */
static uint32_t outer_rows_tile(void) {
    const uint32_t chosen = draw() % OUTER_ROWS_KERNELS;
    const struct matrix_lanes_kernel kernel = dsp_kernels.outer_rows[chosen];
    const int32_t spans = (kernel.steps + kernel.every - 1) / kernel.every;
    const int32_t words = QUADS * (4 * spans + 8 * kernel.steps + 2);
    const size_t bytes = 4 * QUADS * 60 + 4;
    for (int32_t i = 0; i < 4 * kernel.steps; ++i) {
        input[i] = (draw() & 0x7fu) + ((draw() & 0x7fu) << 14);
    }
    fill_weights(words, draw() % 4);
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, weights, weights + words, outputs[0], NULL);
    twin_kernels.outer_rows[chosen].function(input, weights, weights + words, outputs[1], NULL);
    return different(outputs[0], outputs[1], bytes);
}

static uint32_t conv_rows_tile(void) {
    const uint32_t chosen = draw() % CHANNEL_CONV_KERNELS;
    const struct channel_conv_kernel kernel = dsp_kernels.channel_convs[chosen];
    const int32_t row_words = (kernel.width + 1) / 2;
    const int32_t words = 2 * (row_words + 2 * kernel.rows);
    const size_t bytes = sizeof(fxp_word) * (size_t)(2 * row_words + 1);
    any_words(input, kernel.rows * (kernel.width + 1));
    fill_weights(words, draw() % 4);
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, weights, outputs[0], weights + words);
    twin_kernels.channel_convs[chosen].function(input, weights, outputs[1], weights + words);
    return different(outputs[0], outputs[1], bytes);
}

uint32_t stream_tiles(void) {
    return depthwise_rows_tile() + matrix_rows_tile() + outer_rows_tile() + conv_rows_tile();
}
