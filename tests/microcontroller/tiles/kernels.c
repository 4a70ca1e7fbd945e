/* Compiled twice: KERNELS is dsp_kernels, or twin_kernels without __ARM_FEATURE_DSP. */
#include "kernels.h"

#include "nn/dsp/fxp_conv2d_loop_s16_dsp_lanes.h"
#include "nn/dsp/fxp_conv2d_loop_s16_dsp_lanes_wide.h"
#include "nn/dsp/fxp_depthwise_loop_s16_dsp.h"
#include "nn/dsp/fxp_depthwise_loop_s16_dsp_column.h"
#include "nn/dsp/fxp_depthwise_loop_s16_dsp_stride2.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp_lanes.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp_lanes_wide.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp_w4.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp_w8.h"
#include "nn/dsp/fxp_matrix_loop_s16_dsp_wide.h"
#include "nn/dsp/fxp_panels_s16_dsp.h"
#include "nn/dsp/fxp_panels_s16_dsp_wide.h"
#include "nn/four_bit/fxp_conv2d_loop_row_pairs_dsp_lanes.h"
#include "nn/four_bit/fxp_conv2d_loop_row_pairs_dsp_lanes_row.h"
#include "nn/four_bit/fxp_conv2d_loop_row_pairs_dsp_lanes_wide.h"
#include "nn/four_bit/fxp_depthwise_loop_row_pairs_dsp_lanes.h"
#include "nn/four_bit/fxp_depthwise_loop_row_pairs_dsp_lanes_wide.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes_halves.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes_quad.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes_single.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes_wide.h"
#include "nn/four_bit/fxp_panels_row_pairs_dsp.h"
#include "nn/four_bit/fxp_panels_row_pairs_dsp_wide.h"
#include "nn/four_bit/fxp_sum_loop_row_pairs_dsp.h"
#include "nn/stream/fxp_conv2d_loop_channel_rows_dsp_lanes.h"
#include "nn/stream/fxp_depthwise_loop_position_pairs_dsp_lanes.h"
#include "nn/stream/fxp_matrix_loop_channel_rows_dsp_lanes.h"
#include "nn/stream/fxp_matrix_loop_channel_rows_dsp_lanes_outer.h"
#include "nn/stream/fxp_matrix_loop_channel_rows_dsp_lanes_single.h"
#include "nn/stream/fxp_matrix_loop_s16_rows_dsp_lanes.h"
#include "nn/stream/fxp_matrix_loop_s16_rows_dsp_lanes_single.h"

// clang-format off: one instance per line
#define OUTPUTS(make, steps) \
    make(steps, 1, usat, 7) make(steps, 9, ssat, 8) make(steps, 16, usat, 4) make(steps, 31, ssat, 5)
#define EVERY_MATRIX(make) OUTPUTS(make, 1) OUTPUTS(make, 2) OUTPUTS(make, 5)
#define WIDE(steps, shift, saturate, bits) FXP_MATRIX_LOOP_S16_DSP(wide_##steps##_##shift, steps, shift, saturate, bits)
#define W8(steps, shift, saturate, bits) FXP_MATRIX_LOOP_S16_DSP_W8(w8_##steps##_##shift, steps, shift, saturate, bits)
#define W4(steps, shift, saturate, bits) FXP_MATRIX_LOOP_S16_DSP_W4(w4_##steps##_##shift, steps, shift, saturate, bits)
EVERY_MATRIX(WIDE)
EVERY_MATRIX(W8)
EVERY_MATRIX(W4)
#define WIDE_ROW(steps, shift, saturate, bits) {wide_##steps##_##shift, steps, 2 + 4 * steps},
#define W8_ROW(steps, shift, saturate, bits) {w8_##steps##_##shift, steps, 2 + 2 * steps},
#define W4_ROW(steps, shift, saturate, bits) {w4_##steps##_##shift, 2 * steps, 2 + 2 * steps},

/* Four positions at once, with outputs near and far from each other. */
#define FOUR(steps, shift, saturate, bits) \
    FXP_MATRIX_LOOP_S16_DSP_WIDE(four_##steps##_##shift, steps, 8 * shift, shift, saturate, bits)
#define FOUR_ROW(steps, shift, saturate, bits) {four_##steps##_##shift, steps, 0, 2 * (shift)},
EVERY_MATRIX(FOUR)

/* Widths odd and even; rows near and far, which are addressed in two ways. */
#define EVERY_DEPTHWISE(make) \
    make(1, 8, 1, usat, 7) make(2, 8, 16, ssat, 8) make(3, 128, 7, usat, 4) make(5, 128, 16, usat, 7) \
    make(5, 256, 31, ssat, 3) make(4, 1024, 9, usat, 7) make(5, 1024, 9, ssat, 8) make(6, 344, 12, usat, 6) \
    make(7, 552, 8, usat, 7) make(8, 2044, 10, ssat, 8)
#define DEPTHWISE(width, bytes, shift, saturate, bits) \
    FXP_DEPTHWISE_LOOP_S16_DSP(depthwise_##width##_##bytes, width, bytes, shift, saturate, bits)
#define DEPTHWISE_ROW(width, bytes, shift, saturate, bits) {depthwise_##width##_##bytes, 0, 1, width, width + 2, bytes},
EVERY_DEPTHWISE(DEPTHWISE)

#define EVERY_STRIDE2(make) \
    make(1, 3, 8, 1, usat, 7) make(2, 6, 128, 16, ssat, 8) make(5, 11, 344, 9, usat, 7) make(8, 17, 552, 8, usat, 4)
#define STRIDE2(width, panel_width, bytes, shift, saturate, bits) \
    FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2(stride2_##width##_##bytes, width, panel_width, bytes, shift, saturate, bits)
#define STRIDE2_ROW(width, panel_width, bytes, shift, saturate, bits) \
    {stride2_##width##_##bytes, 0, 2, width, panel_width, bytes},
EVERY_STRIDE2(STRIDE2)

#define EVERY_COLUMN(make) \
    make(1, 1, 8, 1, usat, 7) make(2, 2, 128, 16, ssat, 8) make(3, 3, 1024, 9, usat, 4) make(5, 5, 128, 14, usat, 7) \
    make(4, 6, 344, 31, ssat, 3) make(25, 2, 256, 12, usat, 7)
#define COLUMN(rows, width, bytes, shift, saturate, bits) \
    FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN(column_##rows##_##width, rows, width, bytes, shift, saturate, bits)
#define COLUMN_ROW(rows, width, bytes, shift, saturate, bits) \
    {column_##rows##_##width, rows, 1, width, width + 2, bytes},
EVERY_COLUMN(COLUMN)

#define EVERY_PANELS(make) \
    make(1, 3, 8) make(4, 4, 128) make(5, 7, 128) make(5, 6, 1024) make(6, 8, 344) make(7, 7, 2044)
#define PANELS(width, panel_width, bytes) FXP_PANELS_S16_DSP(panels_##width##_##bytes, width, panel_width, bytes)
#define PANELS_ROW(width, panel_width, bytes) {panels_##width##_##bytes, width, panel_width, bytes},
EVERY_PANELS(PANELS)

#define EVERY_WIDE_PANELS(make) make(1, 3, 8) make(4, 4, 128) make(5, 7, 128) make(6, 8, 340)
#define WIDE_PANELS(width, panel_width, bytes) \
    FXP_PANELS_S16_DSP_WIDE(wide_panels_##width##_##bytes, width, panel_width, bytes)
#define WIDE_PANELS_ROW(width, panel_width, bytes) {wide_panels_##width##_##bytes, width, panel_width, bytes},
EVERY_WIDE_PANELS(WIDE_PANELS)

#define EVERY_LANES(make) \
    make(1, 1, 12, 0, 4) make(1, 1, 12, 3, 4) make(1, 1, 12, 4, 7) make(1, 1, 12, 11, 1) make(2, 2, 12, 0, 1) \
    make(2, 2, 12, 3, 3) make(2, 1, 12, 4, 2) make(2, 1, 12, 11, 4) make(5, 5, 12, 1, 4) make(5, 2, 12, 3, 4) \
    make(5, 3, 12, 4, 4) make(5, 1, 12, 0, 3) make(1, 1, 13, 3, 7) make(5, 5, 13, 12, 7) make(5, 2, 13, 0, 5) \
    make(2, 2, 14, 2, 7) make(5, 5, 14, 13, 6) make(5, 2, 14, 5, 7) make(5, 1, 14, 2, 4)
#define LANES(steps, every, lane, shift, bits) \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES(lanes_##steps##_##lane##_##shift, steps, every, lane, shift, bits)
#define LANES_ROW(steps, every, lane, shift, bits) {lanes_##steps##_##lane##_##shift, steps, 2},
EVERY_LANES(LANES)
#define EVERY_WIDE_LANES(make) \
    make(1, 1, 0, 4) make(1, 2, 4, 4) make(2, 1, 7, 4) make(2, 2, 3, 1) make(5, 1, 10, 1) make(5, 2, 4, 3)
#define WIDE_LANES(steps, twos, shift, bits) \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE(wide_lanes_##steps##_##shift, steps, twos, shift, bits)
#define WIDE_LANES_ROW(steps, twos, shift, bits) {wide_lanes_##steps##_##shift, steps, 2 * (twos)},
EVERY_WIDE_LANES(WIDE_LANES)
#define EVERY_HALVES(make) \
    make(1, 1, 12, 1, 0, 4, 4) make(2, 2, 12, 1, 3, 4, 4) make(5, 2, 12, 1, 4, 4, 4) make(3, 4, 12, 1, 6, 4, 1) \
    make(4, 2, 12, 1, 7, 0, 4) make(1, 2, 13, 1, 3, 0, 7) make(5, 1, 13, 1, 5, 0, 7) make(2, 2, 13, 1, 0, 4, 5) \
    make(2, 1, 14, 1, 2, 0, 7) make(5, 2, 14, 1, 6, 0, 7) make(3, 2, 14, 1, 1, 0, 6) make(1, 1, 14, 1, 12, 4, 1) \
    make(5, 2, 12, 0, 3, 4, 4) make(2, 1, 12, 0, 4, 4, 4) make(3, 2, 13, 0, 5, 0, 7) make(1, 1, 14, 0, 1, 0, 7)
#define HALVES(steps, quads, lane, lower, shift, code_at, bits) \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES( \
        halves_##steps##_##lane##_##lower##_##shift, steps, quads, lane, lower, shift, code_at, bits \
    ) \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE( \
        halves_single_##steps##_##lane##_##lower##_##shift, steps, lane, lower, shift, bits \
    )
#define HALVES_ROW(steps, quads, lane, lower, shift, code_at, bits) \
    {halves_##steps##_##lane##_##lower##_##shift, steps, quads, halves_single_##steps##_##lane##_##lower##_##shift},
EVERY_HALVES(HALVES)
#define QUAD(steps, every, lane, shift, bits) \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD(quad_##steps##_##lane##_##shift, steps, every, lane, shift, bits)
#define QUAD_ROW(steps, every, lane, shift, bits) {quad_##steps##_##lane##_##shift, steps},
EVERY_LANES(QUAD)
#define ROWS(steps, every, lane, shift, bits) \
    FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES(rows_##steps##_##lane##_##shift, steps, every, lane, shift, bits) \
    FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE(single_##steps##_##lane##_##shift, steps, every, lane, shift, bits)
#define ROWS_ROW(steps, every, lane, shift, bits) \
    {rows_##steps##_##lane##_##shift, single_##steps##_##lane##_##shift, steps},
EVERY_LANES(ROWS)
/* Channels near and far, as rows of more columns have them. */
#define CHANNELS(steps, every, lane, shift, bits) \
    FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES( \
        channels_##steps##_##lane##_##shift, steps, every, lane, shift, bits, (8 + 4 * shift) \
    ) \
    FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE( \
        channel_##steps##_##lane##_##shift, steps, every, lane, shift, bits, (8 + 4 * shift) \
    )
#define CHANNELS_ROW(steps, every, lane, shift, bits) \
    {channels_##steps##_##lane##_##shift, channel_##steps##_##lane##_##shift, steps},
EVERY_LANES(CHANNELS)

#define EVERY_CHANNEL_ROWS(make) \
    make(2, 4, 0, 7, 4) make(2, 126, 1, 14, 1) make(3, 4, 1, 4, 4) make(3, 127, 0, 5, 7) make(4, 6, 1, 0, 1) \
    make(4, 127, 0, 3, 7) make(5, 32, 0, 5, 4) make(5, 4, 1, 8, 7) make(5, 127, 1, 0, 7)
#define CHANNEL_ROWS(width, words, flip, code_bit, bits) \
    FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES(channel_rows_##width##_##words, width, words, flip, code_bit, bits)
#define CHANNEL_ROWS_ROW(width, words, flip, code_bit, bits) {channel_rows_##width##_##words, width, words},
EVERY_CHANNEL_ROWS(CHANNEL_ROWS)

#define EVERY_CHANNEL_CONV(make) \
    make(1, 2, 0, 7) make(5, 2, 6, 4) make(1, 3, 14, 1) make(10, 3, 8, 7) make(2, 4, 0, 4) make(10, 4, 11, 4) \
    make(10, 5, 6, 4) make(40, 5, 8, 7)
#define CHANNEL_CONV(rows, width, code_bit, bits) \
    FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES(channel_conv_##rows##_##width, rows, width, code_bit, bits)
#define CHANNEL_CONV_ROW(rows, width, code_bit, bits) {channel_conv_##rows##_##width, rows, width},
EVERY_CHANNEL_CONV(CHANNEL_CONV)

#define EVERY_MATRIX_LANES(make) \
    make(1, 1, 0, 7) make(1, 1, 8, 7) make(2, 1, 3, 7) make(2, 2, 5, 3) make(3, 2, 8, 4) make(5, 1, 1, 7) \
    make(5, 3, 4, 7) make(5, 5, 7, 5)
#define MATRIX_LANES(steps, every, shift, bits) \
    FXP_MATRIX_LOOP_S16_DSP_LANES(matrix_lanes_##steps##_##every##_##shift, steps, every, shift, bits)
#define MATRIX_LANES_ROW(steps, every, shift, bits) {matrix_lanes_##steps##_##every##_##shift, steps, every},
EVERY_MATRIX_LANES(MATRIX_LANES)
#define FOUR_LANES(steps, every, shift, bits) \
    FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE( \
        four_lanes_##steps##_##every##_##shift, steps, every, (16 + 168 * shift), shift, bits \
    )
#define FOUR_LANES_ROW(steps, every, shift, bits) \
    {four_lanes_##steps##_##every##_##shift, steps, every, 4 + 42 * (shift)},
EVERY_MATRIX_LANES(FOUR_LANES)

/* Row pairs odd and even, one to many columns, rows whose offsets are within and beyond what STRH reaches. */
#define OUTER(steps, every, shift, bits) \
    FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER( \
        outer_##steps##_##every##_##shift, steps, every, shift, bits, (8 + 4 * shift), 2 \
    ) \
    FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER( \
        outer_one_##steps##_##every##_##shift, steps, every, shift, bits, (8 + 4 * shift), 1 \
    )
#define OUTER_ROW(steps, every, shift, bits) \
    {outer_##steps##_##every##_##shift, steps, every}, {outer_one_##steps##_##every##_##shift, steps, every},
EVERY_MATRIX_LANES(OUTER)

#define EVERY_DEPTHWISE_LANES(make) \
    make(1, 0, 1, 1, 8, 0, 4, 4, 4, 1) make(2, 1, 0, 2, 8, 1, 5, 4, 4, 0) make(13, 0, 0, 5, 128, 0, 4, 4, 4, 1) \
    make(13, 1, 1, 5, 128, 1, 7, 4, 3, 0) make(12, 0, 1, 4, 128, 1, 4, 4, 2, 1) make(4, 1, 0, 3, 1024, 0, 11, 4, 4, 0) \
    make(7, 0, 0, 4, 552, 1, 11, 4, 1, 1) make(2, 1, 1, 1, 8, 0, 6, 4, 4, 0) make(3, 0, 1, 2, 8, 1, 0, 0, 7, 1) \
    make(5, 1, 0, 5, 128, 0, 5, 0, 7, 0) make(6, 0, 0, 4, 128, 0, 8, 0, 7, 1) make(3, 1, 1, 3, 552, 1, 7, 0, 5, 0)
#define DEPTHWISE_LANES(rows, lead, last, width, bytes, flip, code_bit, code_at, bits, unrolled) \
    FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES( \
        depthwise_lanes_##rows##_##lead##_##width, rows, lead, last, width, bytes, flip, code_bit, code_at, bits, \
        unrolled \
    )
#define DEPTHWISE_LANES_ROW(rows, lead, last, width, bytes, flip, code_bit, code_at, bits, unrolled) \
    {depthwise_lanes_##rows##_##lead##_##width, (rows) * (width), ((rows) - (lead) + (last)) * (width) * (bytes)},
EVERY_DEPTHWISE_LANES(DEPTHWISE_LANES)
#define EVERY_WIDE_DEPTHWISE(make) \
    make(2, 1, 0, 2, 8, 1, 5, 4, 4, 1) make(13, 0, 0, 5, 128, 0, 4, 4, 4, 0) make(4, 1, 0, 3, 1024, 0, 11, 4, 4, 1) \
    make(5, 0, 1, 3, 128, 1, 6, 0, 7, 0)
#define WIDE_DEPTHWISE(rows, lead, last, width, bytes, flip, code_bit, code_at, bits, unrolled) \
    FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE( \
        wide_depthwise_##rows##_##lead##_##width, rows, lead, last, width, bytes, flip, code_bit, code_at, bits, \
        unrolled \
    )
#define WIDE_DEPTHWISE_ROW(rows, lead, last, width, bytes, flip, code_bit, code_at, bits, unrolled) \
    {wide_depthwise_##rows##_##lead##_##width, (rows) * (width), ((rows) - (lead) + (last)) * (width) * (bytes)},
EVERY_WIDE_DEPTHWISE(WIDE_DEPTHWISE)

#define EVERY_ROW_PAIR_PANELS(make) \
    make(1, 1, 1, 1, 8) make(2, 0, 1, 2, 8) make(13, 0, 1, 5, 128) make(4, 1, 0, 3, 1024) make(7, 0, 0, 4, 552) \
    make(2, 1, 0, 4, 1020) make(5, 1, 1, 3, 16)
#define ROW_PAIR_PANELS(rows, lead, tail, width, bytes) \
    FXP_PANELS_ROW_PAIRS_DSP(row_pair_panels_##rows##_##bytes, rows, lead, tail, width, bytes)
#define ROW_PAIR_PANELS_ROW(rows, lead, tail, width, bytes) {row_pair_panels_##rows##_##bytes, (rows) * (width), bytes},
EVERY_ROW_PAIR_PANELS(ROW_PAIR_PANELS)
#define EVERY_WIDE_ROW_PAIR_PANELS(make) \
    make(1, 0, 0, 1, 8) make(4, 1, 1, 2, 8) make(13, 1, 0, 5, 128) make(4, 0, 1, 3, 1024)
#define WIDE_ROW_PAIR_PANELS(rows, lead, tail, width, bytes) \
    FXP_PANELS_ROW_PAIRS_DSP_WIDE(wide_row_pair_panels_##rows##_##bytes, rows, lead, tail, width, bytes)
#define WIDE_ROW_PAIR_PANELS_ROW(rows, lead, tail, width, bytes) \
    {wide_row_pair_panels_##rows##_##bytes, (rows) * (width), bytes},
EVERY_WIDE_ROW_PAIR_PANELS(WIDE_ROW_PAIR_PANELS)

#define EVERY_SUM(make) \
    make(4, 5, 128, 1) make(4, 5, 128, 0) make(2, 3, 8, 1) make(2, 8, 1020, 0) make(4, 1, 16, 0) make(4, 8, 4092, 1) \
    make(2, 1, 344, 0) make(2, 4, 2048, 1)
#define SUM(words, columns, bytes, in_bytes) \
    FXP_SUM_LOOP_ROW_PAIRS_DSP(sum_##words##_##columns##_##bytes##_##in_bytes, words, columns, bytes, in_bytes)
#define SUM_ROW(words, columns, bytes, in_bytes) \
    {sum_##words##_##columns##_##bytes##_##in_bytes, words, columns, bytes},
EVERY_SUM(SUM)

#define EVERY_CONV(make) \
    make(8, 24, 640, 1, 6, 4) make(4, 4, 8, 0, 8, 4) make(12, 36, 2048, 1, 0, 1) make(3, 12, 1280, 0, 8, 3) \
    make(20, 60, 136, 1, 11, 4) make(1, 8, 4092, 0, 3, 2) make(5, 20, 640, 0, 8, 7) make(6, 12, 640, 1, 3, 6)
#define CONV(taps, products, bytes, flip, code_bit, bits) \
    FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES(conv_##taps##_##products, taps, products, bytes, flip, code_bit, bits)
#define CONV_ROW(taps, products, bytes, flip, code_bit, bits) {conv_##taps##_##products, taps, products, bytes, -1},
EVERY_CONV(CONV)
#define EVERY_CONV_ROW(make) make(1, 8, 0, 7) make(10, 128, 6, 4) make(3, 344, 8, 7) make(5, 1020, 14, 1) make(20, 128, 3, 5)
#define CONV_OF_ROW(rows, bytes, code_bit, bits) \
    FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW(conv_row_##rows##_##code_bit, rows, bytes, code_bit, bits)
#define CONV_OF_ROW_ROW(rows, bytes, code_bit, bits) {conv_row_##rows##_##code_bit, rows, bytes},
EVERY_CONV_ROW(CONV_OF_ROW)
#define EVERY_WIDE_CONV(make) \
    make(8, 24, 1, 640, 1, 6, 4) make(4, 4, 0, 8, 0, 8, 4) make(12, 36, 0, 2044, 1, 0, 1) \
    make(3, 12, 1, 1280, 0, 8, 3) make(20, 60, 1, 136, 1, 11, 4) make(1, 8, 0, 1280, 0, 3, 2) \
    make(5, 20, 1, 640, 0, 8, 7) make(6, 12, 0, 640, 1, 3, 6)
#define WIDE_CONV(taps, products, odd, bytes, flip, code_bit, bits) \
    FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE( \
        wide_conv_##taps##_##products, taps, products, odd, bytes, flip, code_bit, bits \
    )
#define WIDE_CONV_ROW(taps, products, odd, bytes, flip, code_bit, bits) \
    {wide_conv_##taps##_##products, taps, products, bytes, 1 - (odd)},
EVERY_WIDE_CONV(WIDE_CONV)

#define EVERY_CONV_S16(make) \
    make(8, 24, 640, 0, 8, usat, 7) make(4, 4, 8, 1, 0, ssat, 8) make(12, 36, 2048, 0, 20, usat, 1) \
    make(3, 12, 1280, 1, 11, ssat, 4) make(20, 60, 136, 0, 1, usat, 5) make(1, 8, 4092, 1, 16, usat, 7)
#define CONV_S16(taps, products, bytes, even, shift, saturate, bits) \
    FXP_CONV2D_LOOP_S16_DSP_LANES(conv_s16_##taps##_##products, taps, products, bytes, even, shift, saturate, bits)
#define CONV_S16_ROW(taps, products, bytes, even, shift, saturate, bits) \
    {conv_s16_##taps##_##products, taps, products, bytes, even, 0},
EVERY_CONV_S16(CONV_S16)
#define EVERY_WIDE_CONV_S16(make) \
    make(8, 24, 640, 0, 8, usat, 7) make(4, 4, 8, 1, 0, ssat, 8) make(12, 36, 1020, 0, 20, usat, 1) \
    make(3, 12, 640, 1, 11, ssat, 4) make(20, 60, 136, 0, 1, usat, 5) make(1, 8, 1020, 1, 16, usat, 7)
#define WIDE_CONV_S16(taps, products, bytes, even, shift, saturate, bits) \
    FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE( \
        wide_conv_s16_##taps##_##products, taps, products, bytes, even, shift, saturate, bits \
    )
#define WIDE_CONV_S16_ROW(taps, products, bytes, even, shift, saturate, bits) \
    {wide_conv_s16_##taps##_##products, taps, products, bytes, even, 1},
EVERY_WIDE_CONV_S16(WIDE_CONV_S16)

const struct kernels KERNELS = {
    .lanes = {EVERY_LANES(LANES_ROW) EVERY_WIDE_LANES(WIDE_LANES_ROW)},
    .halves = {EVERY_HALVES(HALVES_ROW)},
    .quads = {EVERY_LANES(QUAD_ROW)},
    .rows_lanes = {EVERY_LANES(ROWS_ROW)},
    .channel_rows_lanes = {EVERY_LANES(CHANNELS_ROW)},
    .channel_rows = {EVERY_CHANNEL_ROWS(CHANNEL_ROWS_ROW)},
    .channel_convs = {EVERY_CHANNEL_CONV(CHANNEL_CONV_ROW)},
    .matrix_lanes = {EVERY_MATRIX_LANES(MATRIX_LANES_ROW)},
    .outer_rows = {EVERY_MATRIX_LANES(OUTER_ROW)},
    .depthwise_lanes = {EVERY_DEPTHWISE_LANES(DEPTHWISE_LANES_ROW) EVERY_WIDE_DEPTHWISE(WIDE_DEPTHWISE_ROW)},
    .row_pair_panels =
        {EVERY_ROW_PAIR_PANELS(ROW_PAIR_PANELS_ROW) EVERY_WIDE_ROW_PAIR_PANELS(WIDE_ROW_PAIR_PANELS_ROW)},
    .sums = {EVERY_SUM(SUM_ROW)},
    .conv_rows = {EVERY_CONV_ROW(CONV_OF_ROW_ROW)},
    .convs = {EVERY_CONV(CONV_ROW) EVERY_WIDE_CONV(WIDE_CONV_ROW)},
    .convs_s16 = {EVERY_CONV_S16(CONV_S16_ROW) EVERY_WIDE_CONV_S16(WIDE_CONV_S16_ROW)},
    .matrices = {EVERY_MATRIX(WIDE_ROW) EVERY_MATRIX(W8_ROW) EVERY_MATRIX(W4_ROW)},
    .wide = {EVERY_MATRIX(FOUR_ROW) EVERY_MATRIX_LANES(FOUR_LANES_ROW)},
    .depthwise = {EVERY_DEPTHWISE(DEPTHWISE_ROW) EVERY_STRIDE2(STRIDE2_ROW) EVERY_COLUMN(COLUMN_ROW)},
    .panels = {EVERY_PANELS(PANELS_ROW) EVERY_WIDE_PANELS(WIDE_PANELS_ROW)},
};
// clang-format on
