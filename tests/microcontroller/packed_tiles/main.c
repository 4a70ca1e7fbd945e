/*
 * Random and extreme tiles through the loops for cores without the DSP extension, against sums taken one by one in 64 bits.
 * TILES of each kind, from SEED; prints how many were compared and how many differ. Names and terms: docs/glossary.md.
 */
#include "nn/packed/fxp_depthwise_loop_s8_packed.h"
#include "nn/packed/fxp_depthwise_loop_s8_packed_lanes.h"
#include "nn/packed/fxp_depthwise_loop_s8_packed_taps.h"
#include "nn/packed/fxp_matrix_loop_s8_packed.h"
#include "nn/packed/fxp_matrix_loop_s8_packed_lanes.h"

#include <stdio.h>
#include <string.h>

enum { SIDES = 16, STEPS = 16, CHANNELS = 11, HEIGHT = 9, WIDTH = 5, PANEL = (HEIGHT * 2 + 4) * (WIDTH * 2 + 4) };

FXP_MATRIX_LOOP_S8_PACKED_LANES(lanes4, 4, 5, 0, 15)
FXP_MATRIX_LOOP_S8_PACKED_LANES(lanes8, 8, 8, 128, 127)
FXP_MATRIX_LOOP_S8_PACKED(unsigned4, 4, 128, 0, 9, 0, 127)
FXP_MATRIX_LOOP_S8_PACKED(signed8, 8, 0, 0x80008000u, 12, 127, 127)
FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS(taps10, 10, 4, 0, 15)
FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS(taps11, 11, 3, 128, 127)
FXP_DEPTHWISE_LOOP_S8_PACKED_LANES(row_lanes, 8, 0, 127)
FXP_DEPTHWISE_LOOP_S8_PACKED(rows, 10, 128, 127)

#ifndef SKEW
#define SKEW 0 /* added to every expected sum: what a comparison that sees nothing would miss */
#endif

/* xorshift, Marsaglia 2003. */
static uint32_t state = SEED;

static uint32_t draw(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* low .. high, of which every other tile takes the ends only. */
static int32_t between(int32_t low, int32_t high, int extreme) {
    if (extreme) {
        return draw() & 1 ? low : high;
    }
    return low + (int32_t)(draw() % (uint32_t)(high - low + 1));
}

static int8_t expected(int64_t sum, int32_t shift, int32_t lowest, int32_t highest) {
    const int64_t code = (sum + SKEW) >> shift;
    return (int8_t)(code < -lowest ? -lowest : code > highest ? highest : code);
}

typedef struct {
    fxp_packed_matrix_loop loop;
    int32_t unrolled;
    int32_t offset;
    uint32_t round;
    int32_t lanes;
    int32_t least;    /* code */
    int32_t greatest; /* code */
    int32_t peak;     /* of weights */
    int32_t shift;
    int32_t lowest;
    int32_t highest;
} matrix_kind;

static int matrix_differs(const matrix_kind *kind) {
    static int32_t x[STEPS * 2][FXP_PACKED_POSITIONS];
    static int32_t w[STEPS * 2][CHANNELS];
    static uint32_t codes[STEPS * FXP_PACKED_POSITIONS];
    static uint32_t weights[CHANNELS * STEPS * 4];
    static uint32_t begins[CHANNELS * 4];
    static int8_t out[FXP_PACKED_POSITIONS][CHANNELS + 1];
    const int extreme = draw() & 1;
    const int32_t steps = kind->unrolled * (1 + (int32_t)(draw() % (uint32_t)(STEPS / kind->unrolled)));
    const int32_t channels = 4 + (int32_t)(draw() % (CHANNELS - 3));
    /* What keeps any sum and its bias within 16 bits, or weights as large as they come. */
    const int32_t fits = 16000 / (2 * steps * kind->greatest);
    const int32_t peak = kind->lanes && kind->peak > fits ? fits : kind->peak;
    int32_t bias[CHANNELS];
    int8_t *outputs[FXP_PACKED_POSITIONS];

    for (int32_t k = 0; k < 2 * steps; ++k) {
        for (int32_t p = 0; p < FXP_PACKED_POSITIONS; ++p) {
            x[k][p] = between(kind->least, kind->greatest, extreme);
        }
        for (int32_t c = 0; c < channels; ++c) {
            w[k][c] = between(-peak, peak, extreme);
        }
    }
    for (int32_t c = 0; c < channels; ++c) {
        bias[c] = between(-16000, 16000, extreme);
    }
    for (int32_t step = 0; step < steps; ++step) {
        for (int32_t p = 0; p < FXP_PACKED_POSITIONS; ++p) {
            codes[step * FXP_PACKED_POSITIONS + p] = fxp_packed_codes(x[2 * step][p], x[2 * step + 1][p]);
        }
    }
    uint32_t *word = weights;
    uint32_t *begin = begins;
    for (int32_t first = 0; first < channels; first += 4) {
        const int32_t from = first < channels - 4 ? first : channels - 4;
        for (int32_t step = 0; step < steps; ++step) {
            for (int32_t c = from; c < from + 4; ++c) {
                *word++ = fxp_packed_codes(w[2 * step + 1][c] + kind->offset, w[2 * step][c] + kind->offset);
            }
        }
        for (int32_t c = from; c < from + 4; ++c) {
            uint32_t value = (uint32_t)bias[c] - (uint32_t)steps * (kind->round >> 16);
            if (kind->lanes) {
                int32_t beside = 0;
                for (int32_t step = 0; step < steps; ++step) {
                    const int32_t weight = w[2 * step + 1][c];
                    beside += weight < 0 ? weight * kind->greatest : weight * kind->least;
                }
                value = ((uint32_t)bias[c] << 16) - (uint32_t)beside;
            }
            *begin++ = value;
        }
    }
    for (int32_t p = 0; p < FXP_PACKED_POSITIONS; ++p) {
        outputs[p] = out[p];
        memset(out[p], 99, sizeof out[p]);
    }
    const fxp_packed_block block = {codes, steps, channels, outputs};
    kind->loop(&block, weights, begins);
    for (int32_t p = 0; p < FXP_PACKED_POSITIONS; ++p) {
        for (int32_t c = 0; c < channels; ++c) {
            int64_t sum = bias[c];
            for (int32_t k = 0; k < 2 * steps; ++k) {
                sum += x[k][p] * w[k][c];
            }
            if (out[p][c] != expected(sum, kind->shift, kind->lowest, kind->highest)) {
                return 1;
            }
        }
        if (out[p][channels] != 99) {
            return 1;
        }
    }
    return 0;
}

typedef struct {
    fxp_packed_depthwise_loop loop;
    int32_t lane_bits; /* of three lanes; 16 of two, 0 of one */
    int32_t least;
    int32_t greatest;
    int32_t peak;
    int32_t shift;
    int32_t lowest;
    int32_t highest;
} depthwise_kind;

static int depthwise_differs(const depthwise_kind *kind) {
    static int32_t x[HEIGHT * 2 + 4][WIDTH * 2 + 4];
    static uint32_t words[PANEL];
    static uint8_t bytes[PANEL * 4];
    static int8_t out[HEIGHT][WIDTH];
    const int extreme = draw() & 1;
    const int three = kind->lane_bits != 0 && kind->lane_bits < 16;
    const int32_t stride = three ? 1 : 1 + (int32_t)(draw() & 1);
    const int32_t height = (three ? 1 : 2) + (int32_t)(draw() % (HEIGHT - 1));
    const int32_t pitch = WIDTH * 2 + 3;
    const int32_t panel_rows = (height - 1) * stride + 3;
    int32_t w[3][3];
    uint32_t weights[10];
    const int32_t bias = between(-2000, 2000, extreme);

    for (int32_t y = 0; y < panel_rows; ++y) {
        for (int32_t column = 0; column < pitch; ++column) {
            x[y][column] = between(kind->least, kind->greatest, extreme);
            bytes[4 * (y * pitch + column)] = (uint8_t)x[y][column];
        }
    }
    for (int32_t y = 0; y < panel_rows; ++y) {
        for (int32_t column = 0; column < pitch; ++column) {
            const int32_t below = kind->lane_bits == 16 && y + stride < panel_rows ? x[y + stride][column] : 0;
            words[y * pitch + column] = fxp_packed_codes(x[y][column], below);
        }
    }
    for (int32_t i = 0; i < 9; ++i) {
        w[i / 3][i % 3] = between(-kind->peak, kind->peak, extreme);
        weights[1 + i] = (uint32_t)w[i / 3][i % 3];
    }
    weights[0] = (uint32_t)bias;
    if (kind->lane_bits == 16) {
        weights[0] = (uint32_t)bias * 0x10001u + 0x8000u;
    }
    if (three) {
        int32_t sum = bias;
        weights[3] = 0;
        for (int32_t row = 0; row < 3; ++row) {
            const int32_t lane = (2 - row) * kind->lane_bits;
            for (int32_t column = 0; column < 3; ++column) {
                weights[column] = (row ? weights[column] : 0) + ((uint32_t)w[row][column] << lane);
                const int32_t least = w[row][column] < 0 ? -w[row][column] * kind->greatest : 0;
                weights[3] += (uint32_t)least << lane;
                sum -= least;
            }
        }
        weights[4] = (uint32_t)sum;
    }
    const fxp_packed_panel panel = {pitch, stride * pitch, stride, height, WIDTH, WIDTH, 1};
    kind->loop(&panel, three ? (const void *)bytes : words, weights, out[0]);
    for (int32_t y = 0; y < height; ++y) {
        for (int32_t column = 0; column < WIDTH; ++column) {
            int64_t sum = bias;
            for (int32_t i = 0; i < 9; ++i) {
                sum += w[i / 3][i % 3] * x[y * stride + i / 3][column * stride + i % 3];
            }
            if (out[y][column] != expected(sum, kind->shift, kind->lowest, kind->highest)) {
                return 1;
            }
        }
    }
    return 0;
}

int main(void) {
    static const matrix_kind matrices[] = {
        {lanes4, 4, 0, 0, 1, 0, 15, 7, 5, 0, 15},
        {lanes8, 8, 0, 0, 1, -128, 127, 7, 8, 128, 127},
        {unsigned4, 4, 128, 0, 0, 0, 127, 127, 9, 0, 127},
        {signed8, 8, 0, 0x80008000u, 0, -128, 127, 127, 12, 127, 127},
    };
    static const depthwise_kind windows[] = {
        {taps10, 10, 0, 15, 7, 4, 0, 15},
        {taps11, 11, 0, 1, 113, 3, 128, 127},
        {row_lanes, 16, -128, 127, 24, 8, 0, 127},
        {rows, 0, -128, 127, 127, 10, 128, 127},
    };
    uint32_t tiles = 0;
    uint32_t different = 0;
    for (uint32_t i = 0; i < TILES; ++i) {
        for (uint32_t kind = 0; kind < 4; ++kind) {
            different += (uint32_t)matrix_differs(&matrices[kind]);
            different += (uint32_t)depthwise_differs(&windows[kind]);
            tiles += 2;
        }
    }
    printf("tiles %u different %u\n", tiles, different);
    return 0;
}
