/*
 * Kernels for the vectors of Armv8.1-M (MVE, sold as Helium), integer ones only: sixteen int8 codes each. Names and
 * terms: docs/glossary.md. Every one of them has a twin in plain C with the same layouts, for compilers without
 * __ARM_FEATURE_MVE.
 *
 * 1x1 convolutions read int8 [height][width][channels], where the products of an output lie side by side. Depthwise
 * convolutions and pooling read planes, where the window of an output does:
 *
 *     tensor  byte | row of zeros | [channel rounded up to FXP_PLANE_BLOCK]{ [height][width] | row of zeros } | slack
 *
 * A row of zeros is the padding below one plane and above the next. The byte in front and the FXP_PLANE_SLACK bytes at
 * the end are read, by windows that reach beyond their row, and multiplied by 0. Who writes planes writes the zeros.
 */
#ifndef FXP_HELIUM_H
#define FXP_HELIUM_H

#include "nn/portable/fxp_portable.h"

/* Codes in a vector. */
#define FXP_VECTOR 16

/* Planes of a tensor come in multiples of it; what is in the added ones does not matter. */
#define FXP_PLANE_BLOCK 4
#define FXP_PLANE_SLACK 16

/* Positions that a loop to planes computes at once. */
#define FXP_UNIT 16

/* Made by FXP_MATRIX_LOOP_S8_HELIUM: all output channels of two positions. */
typedef void fxp_matrix_loop_s8_helium(
    const int8_t *position0,
    const int8_t *position1,
    const uint32_t *weights,
    const uint32_t *weights_end,
    int8_t *output,
    const uint16_t *offsets
);

/* Where a matrix product writes; offsets[2][8] beside it are those of four channels of two positions, {c0 p0, c0 p1, c1
 * p0, ...}, from the first position's place, and the same with one position twice. */
typedef struct {
    int32_t first;       /* place of position 0, in bytes from the tensor's start */
    int32_t step;        /* bytes from position to position */
    int32_t copied;      /* channels, where they are no multiple of four and so copied from scratch; or 0 */
    int32_t parts;       /* rows of zeros between planes, above and below them; or 0 */
    int32_t plane_bytes; /* from plane to plane */
    int32_t zeros;       /* bytes in a row of them */
} fxp_matrix_output;

typedef struct {
    int32_t positions; /* height * width, the same in and out */
    int32_t input_channels;
    int32_t vectors; /* of a position, rounded up */
    fxp_matrix_output output;
    const uint16_t *offsets;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s8_helium *loop;
} fxp_pointwise_conv2d_s8_helium_args;

/* To planes or int8 [height][width][channels]; also dense layers, of one position. scratch: 32 * vectors bytes and two
 * positions' output */
void fxp_pointwise_conv2d_s8_helium(
    const fxp_pointwise_conv2d_s8_helium_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_MATRIX_LOOP_PLANES_HELIUM: all output channels of so many units of positions, and of what is left beside
 * them where these positions are the last ones. */
typedef void fxp_matrix_loop_planes_helium(
    const int8_t *positions,
    int32_t units,
    const uint32_t *weights,
    const uint32_t *weights_end,
    int8_t *output,
    int32_t last
);

typedef struct {
    int32_t units; /* whole ones of all positions */
    int32_t first; /* place of the first plane, in bytes from the tensor's start */
    int32_t zeros; /* bytes in the row of zeros above it */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_planes_helium *loop;
} fxp_pointwise_conv2d_s8_to_planes_helium_args;

/* input: at a multiple of 4 bytes */
void fxp_pointwise_conv2d_s8_to_planes_helium(
    const fxp_pointwise_conv2d_s8_to_planes_helium_args *args, const void *input, void *output
);

/* From int8 [height][width][channels] to planes or the same. */
typedef struct {
    fxp_shape input;
    fxp_shape output_shape;
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_height;
    int32_t padded_width;
    int32_t vectors;      /* of a window, rounded up */
    const int32_t *from;  /* [vectors]: place of a vector's first code in the padded input, from the window's */
    const uint8_t *codes; /* [vectors][16]: places of the codes, from there */
    fxp_matrix_output output;
    const uint16_t *offsets;
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_s8_helium *loop;
} fxp_conv2d_s8_helium_args;

/* scratch: 32 * vectors bytes, two positions' output, and the padded input rounded up to 16 bytes */
void fxp_conv2d_s8_helium(const fxp_conv2d_s8_helium_args *args, const void *input, void *output, void *scratch);

typedef struct {
    fxp_shape input;
    fxp_shape output_shape;
    fxp_stride stride;
    fxp_padding padding;
    int32_t padded_height;
    int32_t padded_width;
    int32_t vectors;      /* of a window, rounded up */
    const int32_t *from;  /* [vectors]: place of a vector's first code in the padded input, from the window's */
    const uint8_t *codes; /* [vectors][16]: places of the codes, from there */
    int32_t band;         /* rows of windows that are gathered at once */
    int32_t windows;      /* at most in scratch: all, or a band and less than a unit */
    int32_t first;        /* place of the first plane, in bytes from the tensor's start */
    int32_t zeros;        /* bytes in the row of zeros above it */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_matrix_loop_planes_helium *loop;
} fxp_conv2d_s8_to_planes_helium_args;

/* scratch: 16 * vectors bytes for each window, then the padded input rounded up to 16 bytes */
void fxp_conv2d_s8_to_planes_helium(
    const fxp_conv2d_s8_to_planes_helium_args *args, const void *input, void *output, void *scratch
);

/* Made by FXP_DEPTHWISE_LOOP_PLANES_HELIUM: all windows of all channels. */
typedef void fxp_depthwise_loop_planes_helium(
    const int8_t *window, const uint32_t *weights, const uint32_t *weights_end, int8_t *output, const uint16_t *offsets
);

typedef struct {
    int32_t first;           /* place of the first window's first code, in bytes from the input's start; at least 0 */
    const uint16_t *offsets; /* of positions' output, as the loop takes them */
    const uint32_t *weights;
    int32_t weights_words;
    fxp_depthwise_loop_planes_helium *loop;
} fxp_depthwise_conv2d_planes_to_s8_helium_args;

/* From planes to int8 [height][width][channels]. */
void fxp_depthwise_conv2d_planes_to_s8_helium(
    const fxp_depthwise_conv2d_planes_to_s8_helium_args *args, const void *input, void *output
);

typedef fxp_depthwise_conv2d_s8_args fxp_depthwise_conv2d_s8_helium_args;

/* From and to int8 [height][width][channels]. */
void fxp_depthwise_conv2d_s8_helium(const fxp_depthwise_conv2d_s8_helium_args *args, const void *input, void *output);

typedef struct {
    int32_t positions;
    int32_t channels;
    int32_t first;       /* place of the first plane, in bytes from the input's start */
    int32_t plane_bytes; /* from plane to plane */
    int32_t bias;        /* the rounding half, the same for every channel */
    fxp_requantization requantization;
} fxp_average_pool_planes_to_s8_helium_args;

/* From planes to int8 [channels]. */
void fxp_average_pool_planes_to_s8_helium(
    const fxp_average_pool_planes_to_s8_helium_args *args, const void *input, void *output
);

/* Planes to int8 [height][width][channels]; not in place. */
void fxp_unpack_planes(fxp_shape shape, const void *input, void *output);

#endif
