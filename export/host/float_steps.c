/*
 * The steps of a layer in floating point, as export/model/float_interpreter.py has them. A value is a whole number, of a
 * magnitude of at most 2**24, of 2**-shift: all of this is exact.
 *
 * Tensors are [channels, height, width, clips]. Clips are computed side by side, LANES at once.
 */
#include "fxp_every_core.h"

#include <stdint.h>

enum { LANES = 32, IN_VECTOR = 8 };

typedef float floats __attribute__((vector_size(32)));
typedef int32_t integers __attribute__((vector_size(32)));
/* In tensors, wherever they begin. */
typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));

/* All of them, and where the top left window lies in the input: on `top` rows of padding, and `left` columns. */
typedef struct {
    int32_t channels;
    int32_t height;
    int32_t width;
    int32_t out_height;
    int32_t out_width;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t vertical_stride;
    int32_t horizontal_stride;
    int32_t top;
    int32_t left;
    int32_t clips;
} geometry;

/* Codes: sums are rounded down where shift is -1, else twice. */
typedef struct {
    int32_t shift;
    int32_t lowest;
    int32_t highest;
} codes;

void kws_float_channels(
    const geometry *layer, const codes *of, const float *taps, const float *bias, const float *x, float *y
);
void kws_float_finish(const codes *of, const float *bias, int32_t channels, int32_t values, float *y);

static inline int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* The part of a window that isn't on padding, of LANES clips: x its input at the window's top left. */
static inline void
sum_window(const geometry *layer, const float *taps, const float *x, int32_t first, int32_t left, float *y) {
    const int64_t clips = layer->clips;
    const int32_t bottom = smaller(layer->kernel_height, layer->height - first);
    const int32_t right = smaller(layer->kernel_width, layer->width - left);
    floats sum0 = {0};
    floats sum1 = {0};
    floats sum2 = {0};
    floats sum3 = {0};
    for (int32_t i = larger(-first, 0); i < bottom; ++i) {
        for (int32_t j = larger(-left, 0); j < right; ++j) {
            const float tap = taps[i * layer->kernel_width + j];
            const lanes *seen = (const lanes *)(x + ((int64_t)(first + i) * layer->width + left + j) * clips);
            sum0 += tap * seen[0];
            sum1 += tap * seen[1];
            sum2 += tap * seen[2];
            sum3 += tap * seen[3];
        }
    }
    lanes *sums = (lanes *)y;
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

static inline void sum_channel(const geometry *layer, const float *taps, const float *x, float *y) {
    for (int32_t row = 0; row < layer->out_height; ++row) {
        const int32_t first = row * layer->vertical_stride - layer->top;
        for (int32_t column = 0; column < layer->out_width; ++column) {
            const int32_t left = column * layer->horizontal_stride - layer->left;
            for (int32_t clip = 0; clip < layer->clips; clip += LANES) {
                sum_window(layer, taps, x + clip, first, left, y + clip);
            }
            y += layer->clips;
        }
    }
}

/* The largest whole numbers that are no larger. */
#define WHOLE_BELOW(value, whole)                                                                                      \
    do {                                                                                                               \
        (whole) = __builtin_convertvector((value), integers);                                                          \
        (whole) += (value) < __builtin_convertvector((whole), floats);                                                 \
    } while (0)

/* The sums of a channel to its codes. */
static inline void finish_channel(const codes *of, float bias, int32_t values, float *y) {
    const float halves = of->shift > 0 ? (float)(1 << (of->shift - 1)) : 1.0F;
    for (const float *end = y + values; y < end; y += IN_VECTOR) {
        integers code;
        floats value = *(const lanes *)y + bias;
        if (of->shift < 0) {
            WHOLE_BELOW(value, code);
        } else {
            /* half up to a half of the sum, then half away from zero */
            value = value * halves + 0.5F;
            WHOLE_BELOW(value, code);
            value = __builtin_convertvector(code, floats) / halves;
            code = value < 0;
            value += 0.5F + __builtin_convertvector(code, floats);
            code = __builtin_convertvector(value, integers);
        }
        integers beyond = code < of->lowest;
        code = (code & ~beyond) | (of->lowest & beyond);
        beyond = code > of->highest;
        code = (code & ~beyond) | (of->highest & beyond);
        *(lanes *)y = __builtin_convertvector(code, floats);
    }
}

/* taps [channels, kernel height, kernel width]; clips are a multiple of LANES */
FXP_EVERY_CORE
void kws_float_channels(
    const geometry *layer, const codes *of, const float *taps, const float *bias, const float *x, float *y
) {
    const int32_t values = layer->out_height * layer->out_width * layer->clips;
    for (int32_t channel = 0; channel < layer->channels; ++channel) {
        sum_channel(layer, taps, x, y);
        finish_channel(of, bias[channel], values, y);
        taps += layer->kernel_height * layer->kernel_width;
        x += (int64_t)layer->height * layer->width * layer->clips;
        y += values;
    }
}

/* y [channels, values]; values are a multiple of LANES */
FXP_EVERY_CORE
void kws_float_finish(const codes *of, const float *bias, int32_t channels, int32_t values, float *y) {
    for (int32_t channel = 0; channel < channels; ++channel) {
        finish_channel(of, bias[channel], values, y + (int64_t)channel * values);
    }
}
