/* Compiled twice: KERNELS is helium_kernels, or twin_kernels without __ARM_FEATURE_MVE. */
#include "kernels.h"

#include "nn/helium/fxp_depthwise_loop_planes_helium.h"
#include "nn/helium/fxp_matrix_loop_planes_helium.h"
#include "nn/helium/fxp_matrix_loop_s8_helium.h"

/* What a way to requantize asks of sums. */
#define FITS_usat(shift) 0
#define FITS_ssat(shift) 0
#define FITS_ufit(shift) shift

// clang-format off: one instance per line
/* Vectors in registers, beside them, and beyond the offsets of VLDRB; steps of each kind; every way to requantize. */
#define EVERY_MATRIX(make) \
    make(1, 4, 0, usat, 7) make(1, 520, 9, usat, 7) make(2, 4, 7, ssat, 8) make(2, 5000, 16, usat, 4) \
    make(3, 520, 8, usat, 7) make(3, 4, 10, usat, 7) make(4, 520, 8, usat, 7) make(4, 4, 12, usat, 4) \
    make(4, 4, 13, usat, 4) make(4, 4096, 17, ssat, 8) make(5, 4, 0, ssat, 5) make(8, 12, 30, usat, 1) \
    make(8, 4095, 11, ssat, 3) make(9, 4, 25, usat, 7) make(11, 36, 14, ssat, 8) make(18, 4, 26, usat, 6) \
    make(4, 4, 6, ufit, 7) make(2, 520, 15, ufit, 7)
#define MATRIX(vectors, step, shift, saturate, bits) \
    FXP_MATRIX_LOOP_S8_HELIUM(matrix_##vectors##_##shift, vectors, step, shift, saturate, bits)
#define MATRIX_ROW(vectors, step, shift, saturate, bits) \
    {matrix_##vectors##_##shift, vectors, step, FITS_##saturate(shift)},
EVERY_MATRIX(MATRIX)

/* One to four vectors; no rest, of every kind of blocks; planes that lie close and far apart; few and many zeros. */
#define EVERY_PLANES(make) \
    make(1, 1, 37, 4, 0, usat, 7) make(1, 0, 60, 5, 3, ssat, 8) make(1, 13, 70, 16, 9, usat, 4) \
    make(2, 4, 54, 1, 6, ufit, 7) make(2, 15, 4100, 20, 16, usat, 4) make(2, 8, 50, 2, 12, usat, 4) \
    make(3, 13, 66, 5, 8, usat, 7) make(3, 0, 56, 6, 10, usat, 7) make(3, 2, 2080, 33, 7, ufit, 7) \
    make(3, 11, 155, 112, 17, ssat, 8) make(4, 13, 66, 5, 9, ufit, 7) make(4, 5, 49, 4, 13, usat, 4) \
    make(4, 0, 40, 8, 14, usat, 7) make(4, 3, 38, 3, 11, ssat, 3) make(4, 7, 59, 2, 30, usat, 1) \
    make(4, 1, 53, 4, 25, usat, 7) make(4, 15, 60, 5, 26, usat, 6) make(4, 6, 47, 5, 5, ssat, 5)
#define PLANES(vectors, rest, plane_bytes, zeros, shift, saturate, bits) \
    FXP_MATRIX_LOOP_PLANES_HELIUM( \
        planes_##vectors##_##rest##_##shift, vectors, rest, plane_bytes, zeros, shift, saturate, bits \
    )
#define PLANES_ROW(vectors, rest, plane_bytes, zeros, shift, saturate, bits) \
    {planes_##vectors##_##rest##_##shift, vectors, rest, plane_bytes, FITS_##saturate(shift)},
EVERY_PLANES(PLANES)

/* Every width; heights of whole groups, less and more; outputs narrower than inputs; strides of 1 and 2; few and many
 * channels, and more outputs than a table has offsets. What export/plan/kernels/helium makes of a padding of 1, and of none. */
#define EVERY_DEPTHWISE(make) \
    make(8, 1, 8, 1, 1, 1, 16, 1, 0x8, 7, usat, 7) make(3, 1, 3, 1, 1, 1, 1, 1, 0x8, 0, usat, 7) \
    make(9, 2, 9, 2, 1, 1, 3, 2, 0x18, 5, ssat, 8) make(10, 2, 5, 1, 2, 1, 7, 1, 0x8, 9, usat, 6) \
    make(11, 3, 11, 3, 1, 1, 64, 1, 0x218, 9, usat, 4) make(8, 3, 6, 1, 1, 0, 4, 1, 0x8, 12, usat, 7) \
    make(6, 4, 6, 4, 1, 1, 5, 1, 0x3218, 10, usat, 7) make(7, 4, 5, 2, 1, 0, 16, 1, 0x18, 14, usat, 7) \
    make(25, 5, 25, 5, 1, 1, 64, 1, 0x43218, 8, ufit, 7) make(16, 5, 16, 5, 1, 1, 17, 1, 0x43218, 11, usat, 7) \
    make(2, 5, 2, 5, 1, 1, 172, 1, 0x43218, 17, ssat, 8) make(9, 5, 5, 3, 2, 1, 64, 1, 0x218, 9, usat, 7) \
    make(13, 6, 13, 6, 1, 1, 8, 1, 0x3a1a18, 8, usat, 5) make(6, 6, 6, 6, 1, 1, 520, 1, 0x3a1a18, 13, ssat, 4) \
    make(12, 6, 6, 3, 2, 1, 16, 1, 0x998, 25, usat, 7) make(4, 6, 2, 4, 1, 0, 12, 1, 0x1818, 16, ufit, 7) \
    make(5, 5, 5, 5, 1, 1, 4, 1, 0x43218, 30, usat, 2) make(26, 5, 26, 4, 1, 0, 600, 1, 0x3218, 6, ufit, 7)
#define DEPTHWISE(height, width, rows, columns, stride, left, channels, stored, pattern, shift, saturate, bits) \
    FXP_DEPTHWISE_LOOP_PLANES_HELIUM( \
        depthwise_##height##_##width##_##shift, \
        height, width, rows, columns, stride, left, channels, pattern, shift, saturate, bits \
    )
#define DEPTHWISE_ROW(height, width, rows, columns, stride, left, channels, stored, pattern, shift, saturate, bits) \
    {depthwise_##height##_##width##_##shift, height, width, columns, (rows) * (columns), channels, stored, \
     FITS_##saturate(shift)},
EVERY_DEPTHWISE(DEPTHWISE)

const struct kernels KERNELS = {
    .matrices = {EVERY_MATRIX(MATRIX_ROW)},
    .planes = {EVERY_PLANES(PLANES_ROW)},
    .depthwise = {EVERY_DEPTHWISE(DEPTHWISE_ROW)},
};
// clang-format on
