/* The loops that are made by macros, once for the DSP extension and once as their twins in plain C. */
#ifndef KERNELS_H
#define KERNELS_H

#include "nn/fxp_kernels.h"
#include "nn/stream/fxp_stream.h"

enum {
    QUAD_KERNELS = 19,
    LANES_KERNELS = QUAD_KERNELS + 6,
    HALVES_KERNELS = 12 + 4,
    CONV_ROW_KERNELS = 5,
    MATRIX_LANES_KERNELS = 8,
    ROWS_LANES_KERNELS = QUAD_KERNELS,
    DEPTHWISE_LANES_KERNELS = 12 + 4,
    ROW_PAIR_PANELS_KERNELS = 7 + 4,
    SUM_KERNELS = 8,
    CONV_KERNELS = 6 + 6,
    ROW_PAIR_CONV_KERNELS = 8 + 8,
    OUTER_ROWS_KERNELS = 2 * MATRIX_LANES_KERNELS,
    CHANNEL_ROWS_KERNELS = 9,
    CHANNEL_CONV_KERNELS = 8
};

enum { MATRIX_KERNELS = 36, WIDE_KERNELS = 12 + 8, DEPTHWISE_KERNELS = 14 + 6, PANELS_KERNELS = 6 + 4 };

struct matrix_kernel {
    fxp_matrix_loop_s16_dsp *function;
    int32_t steps; /* of the position pair, which the loop reads */
    int32_t words_per_channel_pair;
};

struct wide_kernel {
    fxp_matrix_loop_s16_dsp_wide *function;
    int32_t steps;
    int32_t every; /* of lanes; 0 without */
    int32_t output_words;
};

struct depthwise_kernel {
    fxp_depthwise_loop_s16_dsp *function;
    int32_t rows; /* 0: any */
    int32_t stride;
    int32_t width;
    int32_t panel_width;
    int32_t position_bytes;
};

struct panels_kernel {
    fxp_panels_s16_dsp *function;
    int32_t input_width;
    int32_t panel_width;
    int32_t position_bytes;
};

struct lanes_kernel {
    fxp_matrix_loop_row_pairs_dsp_lanes *function;
    int32_t steps;
    int32_t quads;
};

struct halves_kernel {
    fxp_matrix_loop_row_pairs_dsp_lanes_halves *function;
    int32_t steps;
    int32_t quads; /* of a turn */
    fxp_matrix_loop_row_pairs_dsp_lanes_single *single;
};

struct conv_row_kernel {
    fxp_conv2d_loop_row_pairs_dsp_lanes_row *function;
    int32_t rows;
    int32_t position_bytes;
};

struct quad_kernel {
    fxp_matrix_loop_row_pairs_dsp_lanes_quad *function;
    int32_t steps;
};

struct matrix_lanes_kernel {
    fxp_matrix_loop_s16_dsp *function;
    int32_t steps;
    int32_t every;
};

struct rows_lanes_kernel {
    fxp_matrix_loop_s16_dsp *function;
    fxp_matrix_loop_s16_dsp_single *single;
    int32_t steps;
};

struct channel_rows_kernel {
    fxp_depthwise_loop_position_pairs_dsp_lanes *function;
    int32_t width;
    int32_t words; /* of a position of the output */
};

struct channel_conv_kernel {
    fxp_conv2d_loop_channel_rows_dsp_lanes *function;
    int32_t rows;
    int32_t width;
};

struct depthwise_lanes_kernel {
    fxp_depthwise_loop_row_pairs_dsp_lanes *function;
    int32_t panel_words;
    int32_t output_bytes;
};

struct row_pair_panels_kernel {
    fxp_panels_row_pairs_dsp *function;
    int32_t panel_words;
    int32_t position_bytes;
};

struct sum_kernel {
    fxp_sum_loop_row_pairs_dsp *function;
    int32_t words;
    int32_t columns;
    int32_t position_bytes;
};

struct conv_kernel {
    fxp_conv2d_loop_dsp_lanes *function;
    int32_t taps;
    int32_t products;
    int32_t row_bytes;
    int32_t even; /* a wide one's rows: 0 odd, 1 even; -1 any */
};

struct conv_s16_kernel {
    fxp_conv2d_loop_dsp_lanes *function;
    int32_t taps;
    int32_t products;
    int32_t row_bytes;
    int32_t even;
    int32_t wide; /* an odd number of steps */
};

struct kernels {
    struct lanes_kernel lanes[LANES_KERNELS];
    struct halves_kernel halves[HALVES_KERNELS];
    struct conv_row_kernel conv_rows[CONV_ROW_KERNELS];
    struct quad_kernel quads[QUAD_KERNELS];
    struct matrix_lanes_kernel matrix_lanes[MATRIX_LANES_KERNELS];
    struct matrix_lanes_kernel outer_rows[OUTER_ROWS_KERNELS];
    struct rows_lanes_kernel rows_lanes[ROWS_LANES_KERNELS];
    struct rows_lanes_kernel channel_rows_lanes[ROWS_LANES_KERNELS];
    struct channel_rows_kernel channel_rows[CHANNEL_ROWS_KERNELS];
    struct channel_conv_kernel channel_convs[CHANNEL_CONV_KERNELS];
    struct depthwise_lanes_kernel depthwise_lanes[DEPTHWISE_LANES_KERNELS];
    struct row_pair_panels_kernel row_pair_panels[ROW_PAIR_PANELS_KERNELS];
    struct sum_kernel sums[SUM_KERNELS];
    struct conv_kernel convs[ROW_PAIR_CONV_KERNELS];
    struct conv_s16_kernel convs_s16[CONV_KERNELS];
    struct matrix_kernel matrices[MATRIX_KERNELS];
    struct wide_kernel wide[WIDE_KERNELS];
    struct depthwise_kernel depthwise[DEPTHWISE_KERNELS];
    struct panels_kernel panels[PANELS_KERNELS];
};

extern const struct kernels dsp_kernels;
extern const struct kernels twin_kernels;

#endif
