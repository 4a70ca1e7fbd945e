/* The part of a window that lies inside its input, along one axis. Names and terms: docs/glossary.md. */
#ifndef FXP_OVERLAP_H
#define FXP_OVERLAP_H

#include <stdint.h>

/* Window positions begin <= k < end; empty when end <= begin. */
typedef struct {
    int32_t begin;
    int32_t end;
} fxp_overlap;

/* start is the input coordinate of the window's first position: negative where padding comes first. */
static inline fxp_overlap fxp_overlap_of(int32_t start, int32_t window, int32_t input) {
    fxp_overlap overlap;
    overlap.begin = start < 0 ? -start : 0;
    overlap.end = input - start < window ? input - start : window;
    return overlap;
}

#endif
