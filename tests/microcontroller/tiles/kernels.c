/* Compiled twice: KERNELS is dsp_kernels, or twin_kernels without __ARM_FEATURE_DSP. */
#include "kernels.h"

#include "fxp_lane_conv.h"
#include "fxp_lane_conv_s16.h"
#include "fxp_lane_walk.h"
#include "fxp_outer_products.h"
#include "fxp_pair_products.h"
#include "fxp_pair_products_w4.h"
#include "fxp_pair_products_w8.h"
#include "fxp_plane_pairs.h"
#include "fxp_plane_products.h"
#include "fxp_plane_products_2.h"
#include "fxp_quad_products.h"

// clang-format off: one instance per line
#define OUTPUTS(make, steps) \
    make(steps, 1, usat, 7) make(steps, 9, ssat, 8) make(steps, 16, usat, 4) make(steps, 31, ssat, 5)
#define EVERY_PAIR(make) OUTPUTS(make, 1) OUTPUTS(make, 2) OUTPUTS(make, 5)
#define WIDE(steps, shift, saturate, bits) FXP_PAIR_PRODUCTS(wide_##steps##_##shift, steps, shift, saturate, bits)
#define W8(steps, shift, saturate, bits) FXP_PAIR_PRODUCTS_W8(w8_##steps##_##shift, steps, shift, saturate, bits)
#define W4(steps, shift, saturate, bits) FXP_PAIR_PRODUCTS_W4(w4_##steps##_##shift, steps, shift, saturate, bits)
EVERY_PAIR(WIDE)
EVERY_PAIR(W8)
EVERY_PAIR(W4)
#define WIDE_ROW(steps, shift, saturate, bits) {wide_##steps##_##shift, steps, 2 + 4 * steps},
#define W8_ROW(steps, shift, saturate, bits) {w8_##steps##_##shift, steps, 2 + 2 * steps},
#define W4_ROW(steps, shift, saturate, bits) {w4_##steps##_##shift, 2 * steps, 2 + 2 * steps},

/* Widths odd and even; rows near and far, which are addressed in two ways. */
#define EVERY_PLANE(make) \
    make(1, 8, 1, usat, 7) make(2, 8, 16, ssat, 8) make(3, 128, 7, usat, 4) make(5, 128, 16, usat, 7) \
    make(5, 256, 31, ssat, 3) make(4, 1024, 9, usat, 7) make(5, 1024, 9, ssat, 8) make(6, 344, 12, usat, 6) \
    make(7, 552, 8, usat, 7) make(8, 2044, 10, ssat, 8)
#define PLANE(width, bytes, shift, saturate, bits) \
    FXP_PLANE_PRODUCTS(plane_##width##_##bytes, width, bytes, shift, saturate, bits)
#define PLANE_ROW(width, bytes, shift, saturate, bits) {plane_##width##_##bytes, 1, width, width + 2, bytes},
EVERY_PLANE(PLANE)

#define EVERY_PLANE_2(make) \
    make(1, 3, 8, 1, usat, 7) make(2, 6, 128, 16, ssat, 8) make(5, 11, 344, 9, usat, 7) make(8, 17, 552, 8, usat, 4)
#define PLANE_2(width, plane_width, bytes, shift, saturate, bits) \
    FXP_PLANE_PRODUCTS_2(plane_2_##width##_##bytes, width, plane_width, bytes, shift, saturate, bits)
#define PLANE_2_ROW(width, plane_width, bytes, shift, saturate, bits) \
    {plane_2_##width##_##bytes, 2, width, plane_width, bytes},
EVERY_PLANE_2(PLANE_2)

#define EVERY_SHUFFLE(make) \
    make(1, 3, 8) make(4, 4, 128) make(5, 7, 128) make(5, 6, 1024) make(6, 8, 344) make(7, 7, 2044)
#define SHUFFLE(width, plane_width, bytes) FXP_PLANE_PAIRS(shuffle_##width##_##bytes, width, plane_width, bytes)
#define SHUFFLE_ROW(width, plane_width, bytes) {shuffle_##width##_##bytes, width, plane_width, bytes},
EVERY_SHUFFLE(SHUFFLE)

#define EVERY_QUAD(make) \
    make(1, 1, 0, 4) make(1, 1, 3, 4) make(1, 1, 4, 4) make(1, 1, 11, 1) make(2, 2, 0, 1) make(2, 2, 3, 3) \
    make(2, 1, 4, 2) make(2, 1, 11, 4) make(5, 5, 1, 4) make(5, 2, 3, 4) make(5, 3, 4, 4) make(5, 1, 0, 3)
#define QUAD(steps, every, shift, bits) FXP_QUAD_PRODUCTS(quad_##steps##_##shift, steps, every, shift, bits)
#define QUAD_ROW(steps, every, shift, bits) {quad_##steps##_##shift, steps},
EVERY_QUAD(QUAD)
#define COLUMN(steps, every, shift, bits) FXP_QUAD_COLUMN(column_##steps##_##shift, steps, every, shift, bits)
#define COLUMN_ROW(steps, every, shift, bits) {column_##steps##_##shift, steps},
EVERY_QUAD(COLUMN)

#define EVERY_OUTER(make) \
    make(1, 1, 0, 7) make(1, 1, 8, 7) make(2, 1, 3, 7) make(2, 2, 5, 3) make(3, 2, 8, 4) make(5, 1, 1, 7) \
    make(5, 3, 4, 7) make(5, 5, 7, 5)
#define OUTER(steps, every, shift, bits) FXP_OUTER_PRODUCTS(outer_##steps##_##every##_##shift, steps, every, shift, bits)
#define OUTER_ROW(steps, every, shift, bits) {outer_##steps##_##every##_##shift, steps, every},
EVERY_OUTER(OUTER)

/* Row pairs odd and even, one to many columns, rows whose offsets are within and beyond what STRH reaches. */
#define EVERY_WALK(make) \
    make(1, 0, 1, 1, 8, 0, 4, 4) make(2, 1, 0, 2, 8, 1, 5, 4) make(13, 0, 0, 5, 128, 0, 4, 4) \
    make(13, 1, 1, 5, 128, 1, 7, 3) make(12, 0, 1, 4, 128, 1, 4, 2) make(4, 1, 0, 3, 1024, 0, 11, 4) \
    make(7, 0, 0, 4, 552, 1, 11, 1) make(2, 1, 1, 1, 8, 0, 6, 4)
#define WALK(rows, lead, last, width, bytes, flip, position, bits) \
    FXP_LANE_WALK(walk_##rows##_##lead##_##width, rows, lead, last, width, bytes, flip, position, bits)
#define WALK_ROW(rows, lead, last, width, bytes, flip, position, bits) \
    {walk_##rows##_##lead##_##width, (rows) * (width), ((rows) - (lead) + (last)) * (width) * (bytes)},
EVERY_WALK(WALK)

#define EVERY_SPLIT(make) make(1, 1, 8) make(2, 2, 8) make(13, 5, 128) make(4, 3, 1024) make(7, 4, 552)
#define SPLIT(rows, width, bytes) FXP_LANE_PLANES(split_##rows##_##bytes, rows, width, bytes)
#define SPLIT_ROW(rows, width, bytes) {split_##rows##_##bytes, (rows) * (width), bytes},
EVERY_SPLIT(SPLIT)

#define EVERY_CONV(make) \
    make(8, 24, 640, 1, 6, 4) make(4, 4, 8, 0, 8, 4) make(12, 36, 2048, 1, 0, 1) make(3, 12, 1280, 0, 8, 3) \
    make(20, 60, 136, 1, 11, 4) make(1, 8, 4092, 0, 3, 2)
#define CONV(taps, products, bytes, flip, position, bits) \
    FXP_LANE_CONV(conv_##taps##_##products, taps, products, bytes, flip, position, bits)
#define CONV_ROW(taps, products, bytes, flip, position, bits) {conv_##taps##_##products, taps, products, bytes},
EVERY_CONV(CONV)

#define EVERY_CONV_S16(make) \
    make(8, 24, 640, 0, 8, usat, 7) make(4, 4, 8, 1, 0, ssat, 8) make(12, 36, 2048, 0, 20, usat, 1) \
    make(3, 12, 1280, 1, 11, ssat, 4) make(20, 60, 136, 0, 1, usat, 5) make(1, 8, 4092, 1, 16, usat, 7)
#define CONV_S16(taps, products, bytes, even, shift, saturate, bits) \
    FXP_LANE_CONV_S16(conv_s16_##taps##_##products, taps, products, bytes, even, shift, saturate, bits)
#define CONV_S16_ROW(taps, products, bytes, even, shift, saturate, bits) \
    {conv_s16_##taps##_##products, taps, products, bytes, even},
EVERY_CONV_S16(CONV_S16)

const struct kernels KERNELS = {
    .quads = {EVERY_QUAD(QUAD_ROW)},
    .columns = {EVERY_QUAD(COLUMN_ROW)},
    .outers = {EVERY_OUTER(OUTER_ROW)},
    .walks = {EVERY_WALK(WALK_ROW)},
    .splits = {EVERY_SPLIT(SPLIT_ROW)},
    .convs = {EVERY_CONV(CONV_ROW)},
    .convs_s16 = {EVERY_CONV_S16(CONV_S16_ROW)},
    .pairs = {EVERY_PAIR(WIDE_ROW) EVERY_PAIR(W8_ROW) EVERY_PAIR(W4_ROW)},
    .planes = {EVERY_PLANE(PLANE_ROW) EVERY_PLANE_2(PLANE_2_ROW)},
    .shuffles = {EVERY_SHUFFLE(SHUFFLE_ROW)},
};
// clang-format on
