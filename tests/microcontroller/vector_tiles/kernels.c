/* Compiled twice: KERNELS is helium_kernels, or twin_kernels without __ARM_FEATURE_MVE. */
#include "kernels.h"

#include "nn/helium/fxp_depthwise_loop_planes_helium.h"
#include "nn/helium/fxp_matrix_loop_s8_helium.h"

// clang-format off: one instance per line
/* Vectors in registers, beside them, and beyond the offsets of VLDRB; steps of each kind; every way to requantize. */
#define EVERY_MATRIX(make) \
    make(1, 4, 0, usat, 7) make(1, 520, 9, usat, 7) make(2, 4, 7, ssat, 8) make(2, 5000, 16, usat, 4) \
    make(3, 520, 8, usat, 7) make(3, 4, 10, usat, 7) make(4, 520, 8, usat, 7) make(4, 4, 12, usat, 4) \
    make(4, 4, 13, usat, 4) make(4, 4096, 17, ssat, 8) make(5, 4, 0, ssat, 5) make(8, 12, 30, usat, 1) \
    make(8, 4095, 11, ssat, 3) make(9, 4, 25, usat, 7) make(11, 36, 14, ssat, 8) make(18, 4, 26, usat, 6)
#define MATRIX(vectors, step, shift, saturate, bits) \
    FXP_MATRIX_LOOP_S8_HELIUM(matrix_##vectors##_##shift, vectors, step, shift, saturate, bits)
#define MATRIX_ROW(vectors, step, shift, saturate, bits) {matrix_##vectors##_##shift, vectors, step},
EVERY_MATRIX(MATRIX)

/* Every width; heights of whole groups, less and more; outputs narrower than inputs; strides of 1 and 2; few and many
 * channels. What export/plan/kernels/helium makes of a padding of 1, and of none. */
#define EVERY_DEPTHWISE(make) \
    make(8, 1, 8, 1, 1, 16, 0x8, 7, usat, 7) make(3, 1, 3, 1, 1, 1, 0x8, 0, usat, 7) \
    make(9, 2, 9, 2, 1, 3, 0x18, 5, ssat, 8) make(11, 3, 11, 3, 1, 64, 0x218, 9, usat, 4) \
    make(8, 3, 6, 1, 1, 4, 0x8, 12, usat, 7) make(6, 4, 6, 4, 1, 5, 0x3a18, 10, usat, 7) \
    make(7, 4, 5, 2, 1, 16, 0x18, 14, usat, 7) make(25, 5, 25, 5, 1, 64, 0x32918, 8, usat, 7) \
    make(16, 5, 16, 5, 1, 17, 0x32918, 11, usat, 7) make(2, 5, 2, 5, 1, 172, 0x32918, 17, ssat, 8) \
    make(9, 5, 5, 3, 2, 64, 0xa98, 9, usat, 7) make(13, 6, 13, 6, 1, 8, 0x391918, 8, usat, 5) \
    make(6, 6, 6, 6, 1, 520, 0x391918, 13, ssat, 4) make(12, 6, 6, 3, 2, 16, 0x998, 25, usat, 7) \
    make(4, 6, 2, 4, 1, 12, 0x1918, 16, usat, 7) make(5, 5, 5, 5, 1, 4, 0x32918, 30, usat, 2)
#define DEPTHWISE(height, width, rows, columns, stride, channels, pattern, shift, saturate, bits) \
    FXP_DEPTHWISE_LOOP_PLANES_HELIUM( \
        depthwise_##height##_##width##_##shift, \
        height, width, rows, columns, stride, channels, pattern, shift, saturate, bits \
    )
#define DEPTHWISE_ROW(height, width, rows, columns, stride, channels, pattern, shift, saturate, bits) \
    {depthwise_##height##_##width##_##shift, height, width, (rows) * (columns), channels},
EVERY_DEPTHWISE(DEPTHWISE)

const struct kernels KERNELS = {
    .matrices = {EVERY_MATRIX(MATRIX_ROW)},
    .depthwise = {EVERY_DEPTHWISE(DEPTHWISE_ROW)},
};
// clang-format on
