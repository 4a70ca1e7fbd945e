/* What tiles of all kinds draw and fill. */
#ifndef TILES_H
#define TILES_H

#include "kernels.h"

enum { MAX_WORDS = 8192, MAX_WEIGHTS = 256 };

extern fxp_word input[MAX_WORDS];
extern fxp_word outputs[2][MAX_WORDS];
extern uint32_t weights[MAX_WEIGHTS];

uint32_t draw(void);
uint32_t bias(void);
void fill_weights(int32_t words, uint32_t kind);
void fill_few_bits(int32_t words, int32_t step);
void fill_quads(int32_t quads, int32_t steps);

/* 1 where outputs differ in so many bytes, else 0. */
uint32_t different(const void *a, const void *b, size_t bytes);

/* Of the loops on row pairs that take several position pairs or rows at once: one tile of each kind. */
uint32_t row_pair_tiles(void);

/* Of a stream's loops on channel rows: one tile of each kind. */
uint32_t stream_tiles(void);

#endif
