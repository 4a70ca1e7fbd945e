/* The loops that are made by macros, once for the DSP extension and once as their twins in plain C. */
#ifndef KERNELS_H
#define KERNELS_H

#include "fxp_engine.h"

enum { QUAD_KERNELS = 12, OUTER_KERNELS = 8, WALK_KERNELS = 8, SPLIT_KERNELS = 5, CONV_KERNELS = 6 };

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

struct quad_kernel {
    fxp_quad_products *function;
    int32_t steps;
};

struct column_kernel {
    fxp_quad_column *function;
    int32_t steps;
};

struct outer_kernel {
    fxp_pair_products *function;
    int32_t steps;
    int32_t every;
};

struct walk_kernel {
    fxp_lane_walk *function;
    int32_t plane_words;
    int32_t output_bytes;
};

struct split_kernel {
    fxp_lane_planes *function;
    int32_t plane_words;
    int32_t position_bytes;
};

struct conv_kernel {
    fxp_lane_conv *function;
    int32_t taps;
    int32_t products;
    int32_t row_bytes;
};

struct conv_s16_kernel {
    fxp_lane_conv *function;
    int32_t taps;
    int32_t products;
    int32_t row_bytes;
    int32_t even;
};

struct kernels {
    struct quad_kernel quads[QUAD_KERNELS];
    struct column_kernel columns[QUAD_KERNELS];
    struct outer_kernel outers[OUTER_KERNELS];
    struct walk_kernel walks[WALK_KERNELS];
    struct split_kernel splits[SPLIT_KERNELS];
    struct conv_kernel convs[CONV_KERNELS];
    struct conv_s16_kernel convs_s16[CONV_KERNELS];
    struct pair_kernel pairs[PAIR_KERNELS];
    struct plane_kernel planes[PLANE_KERNELS];
    struct shuffle shuffles[SHUFFLES];
};

extern const struct kernels dsp_kernels;
extern const struct kernels twin_kernels;

#endif
