/* The loops on vectors that are made by macros, once for Helium and once as their twins in plain C. */
#ifndef KERNELS_H
#define KERNELS_H

#include "nn/helium/fxp_helium.h"

enum { MATRIX_KERNELS = 18, PLANES_KERNELS = 18, DEPTHWISE_KERNELS = 18 };

struct matrix_kernel {
    fxp_matrix_loop_s8_helium *function;
    int32_t vectors;
    int32_t step;
    int32_t fits; /* sums less than 32768 times 2 to this, where a kernel asks for it; or 0 */
};

struct planes_kernel {
    fxp_matrix_loop_planes_helium *function;
    int32_t vectors;
    int32_t rest;
    int32_t plane_bytes;
    int32_t fits;
};

struct depthwise_kernel {
    fxp_depthwise_loop_planes_helium *function;
    int32_t height;
    int32_t width;
    int32_t columns;   /* of the output */
    int32_t positions; /* of the output */
    int32_t channels;  /* of the output in memory */
    int32_t vectors;   /* that are stored */
    int32_t fits;
};

struct kernels {
    struct matrix_kernel matrices[MATRIX_KERNELS];
    struct planes_kernel planes[PLANES_KERNELS];
    struct depthwise_kernel depthwise[DEPTHWISE_KERNELS];
};

extern const struct kernels helium_kernels;
extern const struct kernels twin_kernels;

#endif
