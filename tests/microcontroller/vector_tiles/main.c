/*
 * Random tiles through the loops on vectors and through their twins, on the device. Prints "tiles <n of
 * each kind> products <n different> planes <n different> windows <n different>" by semihosting. TILES and SEED come from the command line.
 */
#include "kernels.h"

#include <string.h>

enum { CODES = 4096, WORDS = 1024, OUTPUT_BYTES = 98304, BLOCKS = 2, MAX_CHANNELS = 4, MAX_POSITIONS = 136 };

static uint32_t state = SEED;
static _Alignas(4) int8_t codes[CODES];
static uint32_t weights[WORDS];
static int8_t outputs[2][OUTPUT_BYTES];

/* Marsaglia's xorshift, 32 bits. */
static uint32_t draw(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* A quarter each: extremes of one sign, extremes of both, codes after ReLU, any int8 codes. */
static void fill_codes(int32_t count) {
    const uint32_t kind = draw() % 4;
    for (int32_t i = 0; i < count; ++i) {
        const uint32_t drawn = draw();
        const int32_t extreme = kind == 0 || (drawn & 1u) != 0 ? -128 : 127;
        codes[i] = (int8_t)(kind < 2 ? extreme : (int32_t)(drawn & (kind == 2 ? 0x7fu : 0xffu)));
    }
}

/* A quarter extremes; the others of all magnitudes, so that outputs lie between the ends of their range too. */
static void fill_weights(int32_t words) {
    const uint32_t kind = draw() % 4;
    const uint32_t right = draw() % 7;
    for (int32_t i = 0; i < words; ++i) {
        uint32_t word = 0;
        for (int32_t byte = 0; byte < 4; ++byte) {
            const uint32_t drawn = draw();
            const int32_t any = (int8_t)(drawn & 0xffu) >> right;
            const int32_t extreme = (drawn & 1u) != 0 ? 127 : -127;
            word = word << 8 | ((uint32_t)(kind == 0 ? extreme : any) & 0xffu);
        }
        weights[i] = word;
    }
}

/* Of any magnitude, or so small that with 64 products the sum fits. */
static uint32_t bias(int32_t fits) {
    const int32_t any = (int32_t)draw() >> (2 + draw() % 28);
    return (uint32_t)(fits == 0 ? any : any >> (17 - fits));
}

/* Where not even the whole of the output was written, what was there before has to be the same, too. */
static uint32_t different(int32_t bytes) {
    return memcmp(outputs[0], outputs[1], (size_t)bytes) == 0 ? 0 : 1;
}

static void forget(int32_t bytes) {
    memset(outputs[0], 0x5a, (size_t)bytes);
    memset(outputs[1], 0x5a, (size_t)bytes);
}

static uint32_t matrix_tile(void) {
    const uint32_t chosen = draw() % MATRIX_KERNELS;
    const struct matrix_kernel kernel = helium_kernels.matrices[chosen];
    const int32_t words_per_block = 8 + 16 * kernel.vectors;
    const int32_t words = BLOCKS * words_per_block;
    const int32_t position = 16 * kernel.vectors;
    const int32_t second = draw() % 4 == 0 ? 0 : position + (int32_t)(draw() % 3);
    const uint16_t plane = (uint16_t)(kernel.step / 4);
    uint16_t offsets[8];
    for (uint16_t c = 0; c < 4; ++c) {
        offsets[2 * c] = (uint16_t)(c * plane);
        offsets[2 * c + 1] = (uint16_t)(c * plane + (second == 0 ? 0 : plane == 1 ? 2 * kernel.step : 1));
    }
    fill_codes(2 * position + 2);
    fill_weights(words);
    for (int32_t block = 0; block < BLOCKS; ++block) {
        for (int32_t c = 0; c < 4; ++c) {
            weights[block * words_per_block + c] = weights[block * words_per_block + 4 + c] = bias(kernel.fits);
        }
    }
    const int32_t bytes = 4 * kernel.step + 16;
    forget(bytes);
    helium_kernels.matrices[chosen].function(codes, codes + second, weights, weights + words, outputs[0], offsets);
    twin_kernels.matrices[chosen].function(codes, codes + second, weights, weights + words, outputs[1], offsets);
    return different(bytes);
}

/* Bands of no, one or two units; the last ones with what is left, or not. */
static uint32_t planes_tile(void) {
    const uint32_t chosen = draw() % PLANES_KERNELS;
    const struct planes_kernel kernel = helium_kernels.planes[chosen];
    const int32_t units = (int32_t)(draw() % 3);
    const int32_t last = units == 0 || draw() % 2 == 0;
    const int32_t words_per_block = 2 + 8 * kernel.vectors;
    const int32_t words = BLOCKS * words_per_block;
    fill_codes(16 * kernel.vectors * (FXP_UNIT * units + kernel.rest));
    fill_weights(words);
    for (int32_t block = 0; block < BLOCKS; ++block) {
        weights[block * words_per_block] = bias(kernel.fits);
        weights[block * words_per_block + 1] = bias(kernel.fits);
    }
    const int32_t bytes = 2 * BLOCKS * kernel.plane_bytes + 256;
    forget(bytes);
    helium_kernels.planes[chosen].function(codes, units, weights, weights + words, outputs[0], last);
    twin_kernels.planes[chosen].function(codes, units, weights, weights + words, outputs[1], last);
    return different(bytes);
}

/* Weights of a channel, of which those between a window's rows are zeros where there are any. */
static void part_rows(uint32_t *channel, int32_t width) {
    int8_t *const record = (int8_t *)(channel + 1);
    for (int32_t i = 0; i < 4; ++i) {
        record[i] = 0;
    }
    for (int32_t i = 0; i < FXP_VECTOR && width >= 3; ++i) {
        record[4 + i] = i % width < 3 && i / width < 3 ? record[4 + i] : 0;
    }
}

static uint32_t depthwise_tile(void) {
    const uint32_t chosen = draw() % DEPTHWISE_KERNELS;
    const struct depthwise_kernel kernel = helium_kernels.depthwise[chosen];
    const int32_t channels = kernel.channels < MAX_CHANNELS ? kernel.channels : MAX_CHANNELS;
    const int32_t record = 2 + 4 * kernel.vectors;
    const int32_t words = record * channels;
    const int32_t table = kernel.positions * kernel.channels <= 65536;
    uint16_t offsets[MAX_POSITIONS];
    for (int32_t i = 0; i < (table ? (kernel.positions + 7) / 8 * 8 : 8); ++i) {
        offsets[i] = (uint16_t)(i * kernel.channels);
    }
    fill_codes(channels * (kernel.height + 1) * kernel.width + 4 * kernel.width + 16);
    fill_weights(words);
    for (int32_t channel = 0; channel < channels; ++channel) {
        weights[record * channel] = bias(kernel.fits);
        part_rows(weights + record * channel, kernel.width);
    }
    const int32_t all = (kernel.positions + 8) * kernel.channels;
    const int32_t bytes = all < OUTPUT_BYTES ? all : OUTPUT_BYTES;
    forget(bytes);
    helium_kernels.depthwise[chosen].function(codes, weights, weights + words, outputs[0], offsets);
    twin_kernels.depthwise[chosen].function(codes, weights, weights + words, outputs[1], offsets);
    return different(bytes);
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
    /* Vector instructions fault until their coprocessor is let in: CPACR, full access to coprocessors 10 and 11. */
    *(volatile uint32_t *)0xe000ed88u |= 15u << 20;
    __asm volatile("dsb\n"
                   "isb\n" ::
                       : "memory");
    uint32_t wrong_products = 0;
    uint32_t wrong_planes = 0;
    uint32_t wrong_windows = 0;
    state = SEED;
    for (uint32_t i = 0; i < TILES; ++i) {
        wrong_products += matrix_tile();
        wrong_planes += planes_tile();
        wrong_windows += depthwise_tile();
    }
    print("tiles ");
    print_number(TILES);
    print(" products ");
    print_number(wrong_products);
    print(" planes ");
    print_number(wrong_planes);
    print(" windows ");
    print_number(wrong_windows);
    print("\n");
    enum { SYS_EXIT = 0x18 };
    semihosting(SYS_EXIT, (const void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {0x20070000u, (uintptr_t)reset};
