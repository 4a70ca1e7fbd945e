/* The loops on vectors that are made by macros, once for MVE and once as their twins in plain C. */
#ifndef KERNELS_H
#define KERNELS_H

#include "fxp_engine.h"

enum { PRODUCT_KERNELS = 16, WINDOW_KERNELS = 16 };

struct product_kernel {
    fxp_vector_products *function;
    int32_t vectors;
    int32_t step;
};

struct window_kernel {
    fxp_plane_windows *function;
    int32_t height;
    int32_t width;
    int32_t positions; /* of the output */
    int32_t channels;  /* of the output in memory */
};

struct kernels {
    struct product_kernel products[PRODUCT_KERNELS];
    struct window_kernel windows[WINDOW_KERNELS];
};

extern const struct kernels mve_kernels;
extern const struct kernels twin_kernels;

#endif
