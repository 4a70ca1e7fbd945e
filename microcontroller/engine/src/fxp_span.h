/* The part of a window that lies inside its input, along one axis. */
#ifndef FXP_SPAN_H
#define FXP_SPAN_H

#include <stdint.h>

/* Window positions begin <= k < end; empty when end <= begin. */
typedef struct {
    int32_t begin;
    int32_t end;
} fxp_span;

/* start is the input coordinate of the window's first position: negative where padding comes first. */
static inline fxp_span fxp_clip(int32_t start, int32_t window, int32_t input) {
    fxp_span span;
    span.begin = start < 0 ? -start : 0;
    span.end = input - start < window ? input - start : window;
    return span;
}

#endif
