/*
 * What a generated model needs from its caller, and what it tells about its layers: the engine's one public header.
 *
 * The generated C includes the kernels that it calls from nn/ itself; docs/glossary.md says how they are named.
 *
 * The caller owns all memory. Input and output must not overlap. Nothing is checked at run time. The engine has no
 * state: every function may be called from any thread.
 */
#ifndef FXP_ENGINE_H
#define FXP_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Alignment in bytes of arenas, weights and biases. */
#define FXP_ALIGNMENT 16

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
} fxp_shape;

/* What a generated model tells about one of its layers: value = code * 2^-fraction_bits for each tensor. */
typedef struct {
    const char *name;
    const char *op;
    const char *kernel; /* the engine function that runs it */
    uint32_t macs;      /* multiply-accumulates per inference */
    uint32_t weight_bytes;
    uint32_t output_bytes; /* of what an observer is given */
    fxp_shape output;
    int32_t observed_rows; /* of the output that an observer is given at a time: all, or one */
    int8_t input_bits;
    int8_t input_fraction_bits;
    int8_t weight_bits;
    int8_t weight_fraction_bits;
    int8_t output_bits;
    int8_t output_fraction_bits;
    uint8_t accumulator_bits;
    uint8_t shift;
    int8_t min_code;
    int8_t max_code;
} fxp_layer_info;

/*
 * Called after each layer with its output, which is valid until the observer returns. It lies in the layout of the
 * layer's kernel; fxp_model_unpack of the generated model writes it as int8 [height][width][channels]. Of a network
 * that is computed row by row it sees every row of every layer, a layer's rows in order, but other layers' in between.
 */
typedef void (*fxp_observer)(void *context, int layer, const int8_t *output, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
