/*
 * What augment.py does to each sample of a clip, to the bit: float32 as NumPy has it, so no product and sum may be
 * contracted. Lane l of an array belongs to sample first + l; a loop over lanes becomes vector instructions.
 */
#include "fxp_every_core.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 64, ZEROS = 4 };

/* Where each sample of the result lies in the clip; all beyond the zeros around it is zero, too. */
typedef struct {
    int32_t below[LANES];
    float fraction[LANES];
} positions;

void kws_augment_warp(const int16_t *padded, uint32_t count, double speed, double shift, float *speech);
void kws_augment_mix(
    const float *speech, const float *noise, uint32_t count, float level, float gain, int16_t *samples
);

static inline void place(int32_t first, int32_t count, double speed, double shift, positions *at) {
    const double middle = (double)(count - 1) / 2;
    const double center = middle + shift;
    const double lowest = 1 - ZEROS;
    const double highest = (double)count + 1;
    for (int32_t lane = 0; lane < LANES; ++lane) {
        const double anywhere = ((double)(first + lane) - center) * speed + middle;
        const double above = anywhere < lowest ? lowest : anywhere;
        const double position = above > highest ? highest : above;
        const int32_t truncated = (int32_t)position;
        at->below[lane] = truncated - (position < (double)truncated ? 1 : 0);
        at->fraction[lane] = (float)(position - (double)at->below[lane]);
    }
}

/* Catmull-Rom through the four samples around each position. */
static inline void interpolate(const int16_t *samples, const positions *at, int32_t lanes, float *speech) {
    int16_t taps[LANES][4];
    for (int32_t lane = 0; lane < LANES; ++lane) {
        memcpy(taps[lane], samples + at->below[lane] - 1, sizeof taps[lane]);
    }
    for (int32_t lane = 0; lane < lanes; ++lane) {
        const float a = taps[lane][0];
        const float b = taps[lane][1];
        const float c = taps[lane][2];
        const float d = taps[lane][3];
        const float fraction = at->fraction[lane];
        const float cubic = (b - c) * 3 + d - a;
        const float slope = (cubic * fraction + (2 * a - 5 * b + 4 * c - d)) * fraction + (c - a);
        speech[lane] = slope * fraction * 0.5f + b;
    }
}

/* padded int16 [ZEROS + count + ZEROS] with zeros around the clip, speech float [count] */
FXP_EVERY_CORE
void kws_augment_warp(const int16_t *padded, uint32_t count, double speed, double shift, float *speech) {
    const int32_t end = (int32_t)count;
    for (int32_t first = 0; first < end; first += LANES) {
        positions at;
        place(first, end, speed, shift, &at);
        if (end - first >= LANES) {
            interpolate(padded + ZEROS, &at, LANES, speech + first);
        } else {
            interpolate(padded + ZEROS, &at, end - first, speech + first);
        }
    }
}

/* Samples side by side, wherever they begin. */
typedef float floats __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t integers __attribute__((vector_size(32), aligned(4), may_alias));
typedef int16_t codes __attribute__((vector_size(16), aligned(2), may_alias));
enum { IN_VECTOR = 8 };

/* `to` where `which` is all ones, else `from`. */
static inline void replace(const integers *which, float to, floats *from) {
    const floats all = to - (floats){0};
    *(integers *)from = (*(const integers *)from & ~*which) | (*(const integers *)&all & *which);
}

/* Added and taken away, it leaves what is below 2^22 without bits below one: to nearest, ties to even. */
static const float UNIT = 12582912.0f;

static inline void mix_vector(const float *speech, const float *noise, float level, float gain, int16_t *samples) {
    floats value = *(const floats *)speech;
    if (noise != NULL) {
        value += *(const floats *)noise * level;
    }
    value *= gain;
    integers beyond = value < INT16_MIN;
    replace(&beyond, INT16_MIN, &value);
    beyond = value > INT16_MAX;
    replace(&beyond, INT16_MAX, &value);
    value = value + UNIT - UNIT;
    *(codes *)samples = __builtin_convertvector(__builtin_convertvector(value, integers), codes);
}

/* speech and noise float [count], noise may be NULL; samples [count] */
FXP_EVERY_CORE
void kws_augment_mix(
    const float *speech, const float *noise, uint32_t count, float level, float gain, int16_t *samples
) {
    uint32_t first = 0;
    for (; count - first >= IN_VECTOR; first += IN_VECTOR) {
        mix_vector(speech + first, noise == NULL ? noise : noise + first, level, gain, samples + first);
    }
    float rest[2][IN_VECTOR] = {{0}};
    int16_t mixed[IN_VECTOR];
    const uint32_t left = count - first;
    memcpy(rest[0], speech + first, left * sizeof(float));
    if (noise != NULL) {
        memcpy(rest[1], noise + first, left * sizeof(float));
    }
    mix_vector(rest[0], rest[1], noise == NULL ? 0.0f : level, gain, mixed);
    memcpy(samples + first, mixed, left * sizeof(int16_t));
}
