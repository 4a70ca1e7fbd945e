/*
 * Random tiles through the loops for the DSP extension and through their twins, on the device. Prints
 * "tiles <n> different <n>" by semihosting. TILES, of each kind, and SEED come from the command line.
 */
#include "tiles.h"

#include <string.h>

enum { KINDS = 20, CHANNEL_PAIRS = 2, MAX_ROWS = 5 };

static uint32_t state = SEED;
fxp_word input[MAX_WORDS];
fxp_word outputs[2][MAX_WORDS];
uint32_t weights[MAX_WEIGHTS];

/* Marsaglia's xorshift, 32 bits. */
uint32_t draw(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* A quarter each: extremes of one sign, extremes of both, codes after ReLU, any int8 codes. */
static uint32_t code(uint32_t kind) {
    const uint32_t drawn = draw();
    switch (kind) {
    case 0:
        return 0xff80u;
    case 1:
        return drawn & 1u ? 0x007fu : 0xff80u;
    case 2:
        return drawn & 0x7fu;
    default:
        return (uint32_t)(int32_t)(int8_t)(drawn & 0xffu) & 0xffffu;
    }
}

static void fill_codes(int32_t words) {
    const uint32_t kind = draw() % 4;
    for (int32_t i = 0; i < words; ++i) {
        input[i] = code(kind) | code(kind) << 16;
    }
}

/* Any words are weights: of int16, of bytes or of nibbles. A quarter extremes; the others of all magnitudes, so that
 * outputs lie between the ends of their range too. */
void fill_weights(int32_t words, uint32_t kind) {
    const uint32_t right = draw() % 14;
    for (int32_t i = 0; i < words; ++i) {
        const uint32_t extreme = draw() & 1u ? 0x7fff8001u : 0x80017fffu;
        const uint32_t drawn = draw();
        const int32_t low = (int16_t)(drawn & 0xffffu) >> right;
        const int32_t high = (int16_t)(drawn >> 16) >> right;
        weights[i] = kind == 0 ? extreme : ((uint32_t)low & 0xffffu) | (uint32_t)high << 16;
    }
}

uint32_t bias(void) {
    return (uint32_t)((int32_t)draw() >> (2 + draw() % 28));
}

uint32_t different(const void *a, const void *b, size_t bytes) {
    return memcmp(a, b, bytes) == 0 ? 0 : 1;
}

static uint32_t matrix_tile(void) {
    const uint32_t chosen = draw() % MATRIX_KERNELS;
    const struct matrix_kernel kernel = dsp_kernels.matrices[chosen];
    const int32_t words = CHANNEL_PAIRS * kernel.words_per_channel_pair;
    fill_codes(4 * kernel.steps);
    fill_weights(words, draw() % 4);
    for (int32_t pair = 0; pair < CHANNEL_PAIRS; ++pair) {
        weights[pair * kernel.words_per_channel_pair] = bias();
        weights[pair * kernel.words_per_channel_pair + 1] = bias();
    }
    fxp_word *const dsp = outputs[0];
    fxp_word *const twin = outputs[1];
    memset(outputs, 0x5a, 64);
    kernel.function(input, weights, weights + words, dsp, dsp + CHANNEL_PAIRS);
    twin_kernels.matrices[chosen].function(input, weights, weights + words, twin, twin + CHANNEL_PAIRS);
    return different(dsp, twin, sizeof(fxp_word) * 2 * CHANNEL_PAIRS);
}

/* All of four positions, or what two and two of seven bits become, in the lanes of two words. */
static uint32_t wide_tile(void) {
    const uint32_t chosen = draw() % WIDE_KERNELS;
    const struct wide_kernel kernel = dsp_kernels.wide[chosen];
    const int32_t spans = kernel.every == 0 ? 0 : (kernel.steps + kernel.every - 1) / kernel.every;
    const int32_t words = spans == 0 ? 2 + 4 * kernel.steps : 4 * spans + 8 * kernel.steps + 2;
    const size_t bytes = sizeof(fxp_word) * (size_t)(3 * kernel.output_words + 4);
    fill_codes(8 * kernel.steps);
    for (int32_t i = 0; spans != 0 && i < 8 * kernel.steps; ++i) {
        input[i] = (draw() & 0x7fu) + ((draw() & 0x7fu) << 14);
    }
    fill_weights(CHANNEL_PAIRS * words, draw() % 4);
    for (int32_t i = 0; spans == 0 && i < CHANNEL_PAIRS * words; i += words) {
        weights[i] = bias();
        weights[i + 1] = bias();
    }
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, weights, weights + CHANNEL_PAIRS * words, outputs[0]);
    twin_kernels.wide[chosen].function(input, weights, weights + CHANNEL_PAIRS * words, outputs[1]);
    return different(outputs[0], outputs[1], bytes);
}

static uint32_t depthwise_tile(void) {
    const uint32_t chosen = draw() % DEPTHWISE_KERNELS;
    const struct depthwise_kernel kernel = dsp_kernels.depthwise[chosen];
    const int32_t most = (int32_t)sizeof outputs[0] / (kernel.width * kernel.position_bytes);
    const int32_t wanted = 1 + (int32_t)(draw() % MAX_ROWS);
    const int32_t rows = kernel.rows != 0 ? kernel.rows : wanted < most ? wanted : most;
    const size_t bytes = (size_t)(rows * kernel.width * kernel.position_bytes);
    fill_codes((kernel.stride == 1 ? (rows + 3) / 2 : rows + 1) * kernel.panel_width);
    /* A loop down columns leaves those of padding out. */
    for (int32_t i = 0; kernel.rows != 0 && i < (kernel.rows + 3) / 2; ++i) {
        input[i * kernel.panel_width] = 0;
        input[(i + 1) * kernel.panel_width - 1] = 0;
    }
    fill_weights(7, draw() % 4);
    weights[6] = bias();
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, weights, outputs[0], rows);
    twin_kernels.depthwise[chosen].function(input, weights, outputs[1], rows);
    return different(outputs[0], outputs[1], bytes);
}

static uint32_t panels_tile(void) {
    const uint32_t chosen = draw() % PANELS_KERNELS;
    const struct panels_kernel kernel = dsp_kernels.panels[chosen];
    const int32_t row_words = kernel.input_width * kernel.position_bytes / 4;
    const int32_t most = MAX_WORDS / (2 * row_words);
    const int32_t wanted = 1 + (int32_t)(draw() % 2);
    const int32_t pairs = wanted < most ? wanted : most;
    const int32_t panel = pairs * kernel.panel_width;
    /* All but one word in 16 stay as they are, to save time. */
    for (int32_t i = (int32_t)(draw() % 16); i < 2 * pairs * row_words; i += 16) {
        input[i] = draw();
    }
    memset(outputs[0], 0x5a, sizeof(fxp_word) * 2 * (size_t)panel);
    memset(outputs[1], 0x5a, sizeof(fxp_word) * 2 * (size_t)panel);
    kernel.function(input, outputs[0], outputs[0] + panel, pairs);
    twin_kernels.panels[chosen].function(input, outputs[1], outputs[1] + panel, pairs);
    return different(outputs[0], outputs[1], sizeof(fxp_word) * 2 * (size_t)panel);
}

/* Codes of four bits or of seven, a third of them the greatest, in bytes of which every `step`th is used. */
void fill_few_bits(int32_t words, int32_t step) {
    const uint32_t kind = draw() % 3;
    const uint32_t greatest = (draw() & 1u) != 0 ? 0x0f0f0f0fu : 0x7f7f7f7fu;
    for (int32_t i = 0; i < words; ++i) {
        const uint32_t codes = kind == 0 ? greatest : kind == 1 ? draw() & greatest : (draw() & 1u) * greatest;
        input[i] = step == 2 ? codes & 0x00ff00ffu : codes;
    }
}

void fill_quads(int32_t quads, int32_t steps) {
    const int32_t words = 2 + 4 * steps;
    fill_weights(quads * words, draw() % 4);
    for (int32_t i = 0; i < quads; ++i) {
        weights[i * words] = bias();
        weights[i * words + 1] = bias();
    }
}

static uint32_t lanes_tile(void) {
    const uint32_t chosen = draw() % LANES_KERNELS;
    const struct lanes_kernel kernel = dsp_kernels.lanes[chosen];
    const int32_t words = kernel.quads * (2 + 4 * kernel.steps);
    const size_t bytes = 2 * sizeof(fxp_word) * (size_t)kernel.quads;
    fill_few_bits(4 * kernel.steps, 2);
    fill_quads(kernel.quads, kernel.steps);
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, weights, weights + words, outputs[0]);
    twin_kernels.lanes[chosen].function(input, weights, weights + words, outputs[1]);
    return different(outputs[0], outputs[1], bytes);
}

/* Outputs of two to five words for each position pair, of which two are written. */
static uint32_t quad_tile(void) {
    const uint32_t chosen = draw() % QUAD_KERNELS;
    const struct quad_kernel kernel = dsp_kernels.quads[chosen];
    const int32_t words = (1 + (int32_t)(draw() % 4)) * 4 * kernel.steps;
    const int32_t output_bytes = 8 + 4 * (int32_t)(draw() % 4);
    fill_few_bits(words, 2);
    fill_quads(1, kernel.steps);
    memset(outputs[0], 0x5a, 128);
    memset(outputs[1], 0x5a, 128);
    kernel.function(input, weights, input + words, outputs[0], output_bytes);
    twin_kernels.quads[chosen].function(input, weights, input + words, outputs[1], output_bytes);
    return different(outputs[0], outputs[1], 128);
}

/* Two positions, and one: three outputs of two channel quads. */
static uint32_t rows_lanes_tile(void) {
    enum { QUADS = 2 };
    const uint32_t chosen = draw() % ROWS_LANES_KERNELS;
    const int32_t words = QUADS * (2 + 4 * dsp_kernels.rows_lanes[chosen].steps);
    fill_few_bits(4 * dsp_kernels.rows_lanes[chosen].steps, 2);
    fill_quads(QUADS, dsp_kernels.rows_lanes[chosen].steps);
    memset(outputs[0], 0x5a, 128);
    memset(outputs[1], 0x5a, 128);
    for (int32_t i = 0; i < 2; ++i) {
        const struct rows_lanes_kernel kernel = (i == 0 ? &dsp_kernels : &twin_kernels)->rows_lanes[chosen];
        kernel.function(input, weights, weights + words, outputs[i], outputs[i] + 2 * QUADS);
        kernel.single(input, weights, weights + words, outputs[i] + 4 * QUADS);
    }
    return different(outputs[0], outputs[1], 128);
}

/* Any words are weights, what lanes begin with and corrections; codes are two positions' of seven bits. */
static uint32_t matrix_lanes_tile(void) {
    const uint32_t chosen = draw() % MATRIX_LANES_KERNELS;
    const struct matrix_lanes_kernel kernel = dsp_kernels.matrix_lanes[chosen];
    const int32_t spans = (kernel.steps + kernel.every - 1) / kernel.every;
    const int32_t words = 2 * (4 * spans + 8 * kernel.steps + 2);
    const uint32_t greatest = draw() & 1u ? 0x7fu : 0u;
    for (int32_t i = 0; i < 4 * kernel.steps; ++i) {
        input[i] = ((draw() & 0x7fu) | greatest) + ((draw() & 0x7fu) << 14);
    }
    fill_weights(words, draw() % 4);
    memset(outputs[0], 0x5a, 64);
    memset(outputs[1], 0x5a, 64);
    kernel.function(input, weights, weights + words, outputs[0], outputs[0] + 4);
    twin_kernels.matrix_lanes[chosen].function(input, weights, weights + words, outputs[1], outputs[1] + 4);
    return different(outputs[0], outputs[1], 64);
}

/* Any words are weights of lanes, and leave them in every way. */
static uint32_t depthwise_lanes_tile(void) {
    const uint32_t chosen = draw() % DEPTHWISE_LANES_KERNELS;
    const struct depthwise_lanes_kernel kernel = dsp_kernels.depthwise_lanes[chosen];
    enum { CHANNELS = 2 };
    fill_few_bits(CHANNELS * kernel.panel_words, 2);
    fill_weights(7 * CHANNELS, draw() % 4);
    memset(outputs[0], 0x5a, (size_t)kernel.output_bytes);
    memset(outputs[1], 0x5a, (size_t)kernel.output_bytes);
    kernel.function(input, weights, (fxp_code16 *)outputs[0], CHANNELS);
    twin_kernels.depthwise_lanes[chosen].function(input, weights, (fxp_code16 *)outputs[1], CHANNELS);
    return different(outputs[0], outputs[1], (size_t)kernel.output_bytes);
}

static uint32_t row_pair_panels_tile(void) {
    const uint32_t chosen = draw() % ROW_PAIR_PANELS_KERNELS;
    const struct row_pair_panels_kernel kernel = dsp_kernels.row_pair_panels[chosen];
    const int32_t words = kernel.panel_words;
    const size_t bytes = sizeof(fxp_word) * 4 * (size_t)words;
    for (int32_t i = 0; i < 2 * words; ++i) {
        input[i / 2 * kernel.position_bytes / 4 + i % 2] = draw() & 0x7f7f7f7fu;
    }
    memset(outputs[0], 0x5a, bytes);
    memset(outputs[1], 0x5a, bytes);
    kernel.function(input, outputs[0]);
    twin_kernels.row_pair_panels[chosen].function(input, outputs[1]);
    return different(outputs[0], outputs[1], bytes);
}

/* Any words are products of weights, and lanes; codes are two rows' of int8, so many bits apart. */
static void fill_conv(int32_t panel, int32_t products, int32_t z) {
    const uint32_t kind = draw() % 2;
    for (int32_t i = 0; i < panel; ++i) {
        const int32_t low = (int8_t)(draw() & 0xffu);
        const int32_t high = kind == 0 ? -128 : (int8_t)(draw() & 0xffu);
        input[i] = (uint32_t)low + ((uint32_t)high << z);
    }
    fill_weights(4 + 2 * products, draw() % 4);
}

static uint32_t conv_tile(void) {
    const uint32_t chosen = draw() % ROW_PAIR_CONV_KERNELS;
    const struct conv_kernel kernel = dsp_kernels.convs[chosen];
    const int32_t any = 1 + (int32_t)(draw() % MAX_ROWS);
    const int32_t rows = kernel.even < 0 ? any : any / 2 * 2 + (kernel.even ? 2 : 1);
    const int32_t words = rows * kernel.row_bytes / 4;
    fill_conv((rows - 1) * kernel.taps + kernel.products, kernel.products, 16);
    memset(outputs[0], 0x5a, sizeof(fxp_word) * (size_t)words);
    memset(outputs[1], 0x5a, sizeof(fxp_word) * (size_t)words);
    kernel.function(input, weights, outputs[0], outputs[0] + words);
    twin_kernels.convs[chosen].function(input, weights, outputs[1], outputs[1] + words);
    return different(outputs[0], outputs[1], sizeof(fxp_word) * (size_t)words);
}

static uint32_t conv_s16_tile(void) {
    const uint32_t chosen = draw() % CONV_KERNELS;
    const struct conv_s16_kernel kernel = dsp_kernels.convs_s16[chosen];
    const int32_t steps = (int32_t)(draw() % 3);
    const int32_t rows = kernel.wide ? 4 * (steps % 2) + (kernel.even ? 4 : 1) : 2 * steps + (kernel.even ? 2 : 1);
    const int32_t words = rows * kernel.row_bytes / 4;
    fill_conv(rows / 2 * kernel.taps + kernel.products, kernel.products, 21);
    /* Of z + z^2; a wide loop would not lose what a third lane of more than its 21 bits carries. */
    weights[0] &= kernel.wide ? 0x7fe00000u : 0xffe00000u;
    weights[1] &= kernel.wide ? 0x7fe00000u : 0xffe00000u;
    memset(outputs[0], 0x5a, sizeof(fxp_word) * (size_t)(words + 1));
    memset(outputs[1], 0x5a, sizeof(fxp_word) * (size_t)(words + 1));
    kernel.function(input, weights, outputs[0], outputs[0] + words);
    twin_kernels.convs_s16[chosen].function(input, weights, outputs[1], outputs[1] + words);
    return different(outputs[0], outputs[1], sizeof(fxp_word) * (size_t)(words + 1));
}

static void semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(const char *text) {
    enum { SYS_WRITE0 = 4 };
    semihosting(SYS_WRITE0, text);
}

static void print_number(uint32_t number) {
    char digits[11];
    char *next = digits + sizeof digits;
    *--next = 0;
    do {
        *--next = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(next);
}

_Noreturn void reset(void);

_Noreturn void reset(void) {
    uint32_t wrong = 0;
    state = SEED;
    for (uint32_t i = 0; i < TILES; ++i) {
        wrong += matrix_tile() + wide_tile() + depthwise_tile() + panels_tile();
        wrong += lanes_tile() + quad_tile() + matrix_lanes_tile() + rows_lanes_tile();
        wrong += depthwise_lanes_tile() + row_pair_panels_tile() + conv_tile() + conv_s16_tile();
        wrong += row_pair_tiles() + stream_tiles();
    }
    print("tiles ");
    print_number(KINDS * TILES);
    print(" different ");
    print_number(wrong);
    print("\n");
    enum { SYS_EXIT = 0x18 };
    semihosting(SYS_EXIT, (const void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {0x20020000u, (uintptr_t)reset};
