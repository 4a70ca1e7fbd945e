/* An int8 input with its padding, in scratch memory. Names and terms: docs/glossary.md. */
#ifndef FXP_PAD_H
#define FXP_PAD_H

#include "nn/fxp_layer.h"

#include <string.h>

/* Rows of `padded_row` bytes, 0 where the input is not, in so many bytes. */
static inline void
fxp_pad(fxp_shape shape, fxp_padding padding, int32_t padded_row, int32_t bytes, const int8_t *input, int8_t *padded) {
    const int32_t row = shape.width * shape.channels;
    memset(padded, 0, (size_t)bytes);
    padded += padding.top * padded_row + padding.left * shape.channels;
    for (int32_t y = 0; y < shape.height; ++y) {
        memcpy(padded, input, (size_t)row);
        input += row;
        padded += padded_row;
    }
}

#endif
