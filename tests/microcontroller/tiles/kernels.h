/* The loops that are made by macros, once for the DSP extension and once as their twins in plain C. */
#ifndef KERNELS_H
#define KERNELS_H

#include "fxp_engine.h"

enum { PAIR_KERNELS = 36, PLANE_KERNELS = 14, SHUFFLES = 6 };

struct pair_kernel {
    fxp_pair_products *function;
    int32_t pair_steps; /* of the pair, which the loop reads */
    int32_t words_per_channel_pair;
};

struct plane_kernel {
    fxp_plane_products *function;
    int32_t stride;
    int32_t width;
    int32_t plane_width;
    int32_t position_bytes;
};

struct shuffle {
    fxp_plane_pairs *function;
    int32_t input_width;
    int32_t plane_width;
    int32_t position_bytes;
};

struct kernels {
    struct pair_kernel pairs[PAIR_KERNELS];
    struct plane_kernel planes[PLANE_KERNELS];
    struct shuffle shuffles[SHUFFLES];
};

extern const struct kernels dsp_kernels;
extern const struct kernels twin_kernels;

#endif
