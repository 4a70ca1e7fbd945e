/*
 * 2-D convolution to planes on vectors, any stride and padding, windows of at most 64 codes, sixteen positions at a
 * time.
 *
 * input    [input.height][input.width][input.channels]
 * weights  as fxp_matrix_loop_planes_helium.h draws them; the products of a window go [row][column][channel], filled up
 *          to whole vectors with zeros
 * output   planes (fxp_helium.h)
 * scratch  windows, then the input with its padding
 *
 * The windows of a band of rows are gathered behind those that were left of the band above, one vector of all of them
 * after the other, by the places of its sixteen codes:
 *
 *     for each vector of a window
 *         for each row, for each window       load by places, VSTRB, two ADD, loop
 */
#include "nn/helium/fxp_matrix_output_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
/* One vector of `count` windows, which lie `column` bytes apart and are written `window` bytes apart. Assembly, since
 * the compiler makes a loop of more instructions. */
static inline int8_t *
gather_row(const int8_t *from, const uint8_t *codes, int32_t count, int32_t column, int8_t *to, int32_t window) {
    __asm volatile("vldrb.u8 q1, [%5]\n"
                   "dls lr, %2\n"
                   "1:\n"
                   "vldrb.u8 q0, [%0, q1]\n"
                   "add %0, %0, %3\n"
                   "vstrb.8 q0, [%1]\n"
                   "add %1, %1, %4\n"
                   "le lr, 1b\n"
                   : "+r"(from), "+r"(to)
                   : "r"(count), "r"(column), "r"(window), "r"(codes)
                   : "lr", "d0", "d1", "d2", "d3", "cc", "memory");
    return to;
}
#else
static inline int8_t *
gather_row(const int8_t *from, const uint8_t *codes, int32_t count, int32_t column, int8_t *to, int32_t window) {
    for (int32_t x = 0; x < count; ++x) {
        for (int32_t i = 0; i < FXP_VECTOR; ++i) {
            to[i] = from[codes[i]];
        }
        from += column;
        to += window;
    }
    return to;
}
#endif

static void
gather(const fxp_conv2d_s8_to_planes_helium_args *args, const int8_t *rows, int32_t count, int8_t *windows) {
    const int32_t column = args->stride.horizontal * args->input.channels;
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    const uint8_t *codes = args->codes;
    for (int32_t vector = 0; vector < args->vectors; ++vector) {
        const int8_t *from = rows + args->from[vector];
        int8_t *to = windows + FXP_VECTOR * vector;
        for (int32_t y = 0; y < count; ++y) {
            to = gather_row(from, codes, args->output_shape.width, column, to, FXP_VECTOR * args->vectors);
            from += row;
        }
        codes += FXP_VECTOR;
    }
}

void fxp_conv2d_s8_to_planes_helium(
    const fxp_conv2d_s8_to_planes_helium_args *args, const void *input, void *output, void *scratch
) {
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    const int32_t width = args->output_shape.width;
    const int32_t window = FXP_VECTOR * args->vectors;
    const uint32_t *const weights_end = args->weights + args->weights_words;
    int8_t *const windows = scratch;
    int8_t *const padded = windows + window * args->windows;
    int8_t *out = (int8_t *)output + args->first;
    int32_t held = 0;

    fxp_zero(out - args->zeros, args->zeros);
    fxp_pad(args->input, args->padding, args->padded_height, args->padded_width, input, padded);
    for (int32_t y = 0; y < args->output_shape.height; y += args->band) {
        const int32_t left = args->output_shape.height - y;
        const int32_t count = left < args->band ? left : args->band;
        gather(args, padded + y * row, count, windows + held * window);
        held += count * width;
        const int32_t whole = held - held % FXP_UNIT;
        args->loop(windows, whole / FXP_UNIT, args->weights, weights_end, out, left <= args->band);
        held -= whole;
        fxp_copy(windows + whole * window, windows, held * window);
        out += whole;
    }
}
