/* What the matrix products on vectors share: copies, and the places of their output. Names and terms:
 * docs/glossary.md. */
#ifndef FXP_MATRIX_OUTPUT_HELIUM_H
#define FXP_MATRIX_OUTPUT_HELIUM_H

#include "nn/helium/fxp_helium.h"

#include <string.h>

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
/* In line, since calls of memcpy and memset would cost more than what they do for a few bytes; and assembly, since the
 * compiler makes no loops with predicated tails. */
static inline void fxp_copy(const int8_t *from, int8_t *to, int32_t bytes) {
    __asm volatile("wlstp.8 lr, %2, 2f\n"
                   "1:\n"
                   "vldrb.u8 q0, [%0], #16\n"
                   "vstrb.8 q0, [%1], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : "+r"(from), "+r"(to)
                   : "r"(bytes)
                   : "lr", "d0", "d1", "cc", "memory");
}

static inline void fxp_zero(int8_t *to, int32_t bytes) {
    __asm volatile("vmov.i32 q0, #0\n"
                   "wlstp.8 lr, %1, 2f\n"
                   "1:\n"
                   "vstrb.8 q0, [%0], #16\n"
                   "letp lr, 1b\n"
                   "2:\n"
                   : "+r"(to)
                   : "r"(bytes)
                   : "lr", "d0", "d1", "cc", "memory");
}
#else
static inline void fxp_copy(const int8_t *from, int8_t *to, int32_t bytes) {
    memcpy(to, from, (size_t)bytes);
}

static inline void fxp_zero(int8_t *to, int32_t bytes) {
    memset(to, 0, (size_t)bytes);
}
#endif

/* The input of a convolution with its padding. */
static inline void
fxp_pad(fxp_shape shape, fxp_padding padding, int32_t height, int32_t width, const int8_t *input, int8_t *padded) {
    const int32_t row = shape.width * shape.channels;
    const int32_t padded_row = width * shape.channels;
    fxp_zero(padded, height * padded_row);
    padded += padding.top * padded_row + padding.left * shape.channels;
    for (int32_t y = 0; y < shape.height; ++y) {
        fxp_copy(input, padded, row);
        input += row;
        padded += padded_row;
    }
}

/* The rows of zeros around planes, before their codes are written: a row of less than a vector takes a whole one, of
 * which the rest lies in the plane below, or in the slack. */
static inline void fxp_part_planes(const fxp_matrix_output *to, int8_t *output) {
    int8_t *zeros = output + to->first - to->zeros;
    const int32_t bytes = to->zeros < FXP_VECTOR ? FXP_VECTOR : to->zeros;
    for (int32_t plane = 0; plane < to->parts; ++plane) {
        fxp_zero(zeros, bytes);
        zeros += to->plane_bytes;
    }
}

/* What stays the same from position to position. */
typedef struct {
    const uint32_t *weights;
    const uint32_t *weights_end;
    fxp_matrix_loop_s8_helium *loop;
    const uint16_t *offsets;
} fxp_matrix;

/* The output of two neighbouring positions, or of one where they are the same. */
static inline void fxp_matrix_positions(
    const fxp_matrix *matrix,
    const fxp_matrix_output *to,
    const int8_t *position0,
    const int8_t *position1,
    int8_t *output,
    int8_t *scratch
) {
    const uint16_t *const offsets = matrix->offsets + (position0 == position1 ? 8 : 0);
    if (to->copied == 0) {
        matrix->loop(position0, position1, matrix->weights, matrix->weights_end, output, offsets);
        return;
    }
    matrix->loop(position0, position1, matrix->weights, matrix->weights_end, scratch, offsets);
    fxp_copy(scratch, output, to->copied);
    if (position0 != position1) {
        fxp_copy(scratch + to->step, output + to->copied, to->copied);
    }
}

#endif
