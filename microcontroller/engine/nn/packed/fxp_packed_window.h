/*
 * What the depthwise loops on a panel of words have in common: a 3x3 window times its weights, and the walk over two output
 * rows at a time. Names and terms: docs/glossary.md.
 */
#ifndef FXP_PACKED_WINDOW_H
#define FXP_PACKED_WINDOW_H

#include "nn/packed/fxp_packed_block.h"

FXP_PACKED_INLINE uint32_t
fxp_packed_products(const uint32_t *codes, uint32_t w0, uint32_t w1, uint32_t w2, uint32_t sum) {
    const uint32_t x0 = codes[0];
    const uint32_t x1 = codes[1];
    const uint32_t x2 = codes[2];
    FXP_PACKED_LOADED;
    sum += x0 * w0;
    FXP_PACKED_KEEP(sum);
    sum += x1 * w1;
    FXP_PACKED_KEEP(sum);
    sum += x2 * w2;
    FXP_PACKED_KEEP(sum);
    FXP_PACKED_FENCE;
    return sum;
}

FXP_PACKED_INLINE uint32_t fxp_packed_window_row(const uint32_t *codes, const uint32_t *weights, uint32_t sum) {
    return fxp_packed_products(codes, weights[0], weights[1], weights[2], sum);
}

/* sum plus the products of three rows, pitch words apart. */
FXP_PACKED_INLINE uint32_t
fxp_packed_window(const uint32_t *codes, int32_t pitch, const uint32_t *weights, uint32_t sum) {
    sum = fxp_packed_window_row(codes, weights, sum);
    sum = fxp_packed_window_row(codes + pitch, weights + 3, sum);
    return fxp_packed_window_row(codes + 2 * pitch, weights + 6, sum);
}

FXP_PACKED_INLINE void fxp_packed_windows_row(
    const uint32_t *codes, const uint32_t *codes_below, const uint32_t *weights, uint32_t *sum, uint32_t *sum_below
) {
    const uint32_t w0 = weights[0];
    const uint32_t w1 = weights[1];
    const uint32_t w2 = weights[2];
    *sum = fxp_packed_products(codes, w0, w1, w2, *sum);
    *sum_below = fxp_packed_products(codes_below, w0, w1, w2, *sum_below);
}

/* The same for the windows of an output row and of the one below it. */
FXP_PACKED_INLINE void fxp_packed_windows(
    const uint32_t *codes, const fxp_packed_panel *panel, const uint32_t *weights, uint32_t *sum, uint32_t *sum_below
) {
    const int32_t pitch = panel->pitch;
    const uint32_t *const below = codes + panel->row_step;
    fxp_packed_windows_row(codes, below, weights, sum, sum_below);
    fxp_packed_windows_row(codes + pitch, below + pitch, weights + 3, sum, sum_below);
    fxp_packed_windows_row(codes + 2 * pitch, below + 2 * pitch, weights + 6, sum, sum_below);
}

/* Down a column of outputs, two rows at a time. */
typedef struct {
    const uint32_t *window;
    int8_t *output;
    int32_t row_pairs; /* to go; 0 at the last row but one of an odd count, where they are computed again */
} fxp_packed_walk;

/* To the next two rows, or the last two where one is left; 0 where none is. */
FXP_PACKED_INLINE int32_t fxp_packed_next_rows(fxp_packed_walk *walk, const fxp_packed_panel *panel) {
    walk->row_pairs -= 1;
    if (walk->row_pairs > 0) {
        walk->window += 2 * panel->row_step;
        walk->output += 2 * panel->output_row;
        return 1;
    }
    if (walk->row_pairs == 0 && (panel->height & 1)) {
        walk->window += panel->row_step;
        walk->output += panel->output_row;
        return 1;
    }
    return 0;
}

#endif
