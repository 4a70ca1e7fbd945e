/* What the matrix products on vectors share: copies, and the places of their output. */
#ifndef FXP_VECTOR_OUTPUT_H
#define FXP_VECTOR_OUTPUT_H

#include "fxp_mve.h"

#include <string.h>

#if __ARM_FEATURE_MVE & 1
#include <arm_mve.h>

/* In line, since the calls of memcpy and memset would cost more than what they do for a few bytes. */
static inline void fxp_copy(const int8_t *from, int8_t *to, int32_t bytes) {
    for (int32_t left = bytes; left > 0; left -= FXP_VECTOR) {
        const mve_pred16_t lanes = vctp8q((uint32_t)left);
        vstrbq_p_s8(to, vldrbq_z_s8(from, lanes), lanes);
        from += FXP_VECTOR;
        to += FXP_VECTOR;
    }
}

static inline void fxp_zero(int8_t *to, int32_t bytes) {
    for (int32_t left = bytes; left > 0; left -= FXP_VECTOR) {
        vstrbq_p_s8(to, vdupq_n_s8(0), vctp8q((uint32_t)left));
        to += FXP_VECTOR;
    }
}
#else
static inline void fxp_copy(const int8_t *from, int8_t *to, int32_t bytes) {
    memcpy(to, from, (size_t)bytes);
}

static inline void fxp_zero(int8_t *to, int32_t bytes) {
    memset(to, 0, (size_t)bytes);
}
#endif

/* The rows of zeros around planes. */
static inline void fxp_part_planes(const fxp_vector_output *to, int8_t *output) {
    int8_t *zeros = output + to->first - to->zeros;
    if (to->planes > 0) {
        for (int32_t plane = 0; plane <= to->planes; ++plane) {
            fxp_zero(zeros, to->zeros);
            zeros += to->plane_bytes;
        }
    }
}

/* The output of two neighbouring positions, or of one where they are the same. */
typedef struct {
    const uint32_t *weights;
    const uint32_t *weights_end;
    fxp_vector_products *products;
    const uint16_t *offsets;
} fxp_vector_matrix;

static inline void fxp_two_positions(
    const fxp_vector_matrix *matrix,
    const fxp_vector_output *to,
    const int8_t *position0,
    const int8_t *position1,
    int8_t *output,
    int8_t *scratch
) {
    const uint16_t *const offsets = matrix->offsets + (position0 == position1 ? 8 : 0);
    int8_t *const target = to->copied > 0 ? scratch : output;
    matrix->products(position0, position1, matrix->weights, matrix->weights_end, target, offsets);
    if (to->copied > 0) {
        fxp_copy(scratch, output, to->copied);
        if (position0 != position1) {
            fxp_copy(scratch + to->step, output + to->copied, to->copied);
        }
    }
}

#endif
