/*
 * Many generated models in one program, each run on inputs of its own and told by checksums: what finds the one among
 * thousands whose C computes something else than it should. export/fuzzing writes the table.
 */
#ifndef MANY_MODELS_H
#define MANY_MODELS_H

#include "fxp_engine.h"

#include <stdbool.h>

enum {
    MANY_MOST_LAYERS = 32,
    MANY_GUARD_BYTES = 16, /* behind output and arena, of a fixed content that nobody may change */
};

/* A network on one window (invoke, unpack) or on a stream (init, step); the other pair is NULL. */
typedef struct {
    uint32_t calls;        /* inputs that lie one behind the other */
    uint32_t input_bytes;  /* of a call */
    uint32_t output_bytes; /* of a call */
    uint32_t arena_bytes;
    uint32_t state_bytes; /* of a stream */
    uint32_t codes_bytes; /* of the largest layer's output, unpacked */
    uint32_t layer_count; /* of a network on one window, at most MANY_MOST_LAYERS */
    const fxp_layer_info *layers;
    void (*invoke)(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);
    void (*unpack)(int layer, const int8_t *output, int8_t *codes);
    void (*init)(void *state);
    void (*step)(void *state, const int8_t *input, int8_t *output, void *arena);
} many_program;

extern const many_program *const many_programs[];
extern const uint32_t many_program_count;

/* All aligned to FXP_ALIGNMENT; output and arena have MANY_GUARD_BYTES more where `guarded`. */
typedef struct {
    int8_t *output;
    int8_t *arena;
    int8_t *state;
    int8_t *codes;
    bool guarded;
} many_memory;

/* CRC-32 of zlib: of each layer's codes, and of the logits, over all calls in order. */
typedef struct {
    uint32_t layers[MANY_MOST_LAYERS];
    uint32_t output;
    bool whole; /* whether what lies behind output and arena is what it was */
} many_sums;

/* inputs  calls * input_bytes codes */
many_sums many_run(const many_program *program, const int8_t *inputs, const many_memory *memory);

#endif
