/* Generated from an integer model (kernels: fast). Don't edit: export the model again. */
#ifndef FXP_MODEL_H
#define FXP_MODEL_H

#include "fxp_engine.h"

#include <stdalign.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FXP_MODEL_NAME "ds_cnn_mlperf"
#define FXP_MODEL_SHA256 "d410d874df5832138bcaeac3fafd56baa9786bc17ff39d2ac444029e41c4e2c1"
#define FXP_MODEL_INPUT_HEIGHT 49
#define FXP_MODEL_INPUT_WIDTH 10
#define FXP_MODEL_INPUT_CHANNELS 1
#define FXP_MODEL_INPUT_BYTES 490
#define FXP_MODEL_INPUT_FRACTION_BITS 5
#define FXP_MODEL_OUTPUT_BYTES 12
#define FXP_MODEL_OUTPUT_FRACTION_BITS 3
#define FXP_MODEL_LAYER_COUNT 11
#define FXP_MODEL_MACS 2656768
#define FXP_MODEL_WEIGHT_BYTES 49712
#define FXP_MODEL_ARENA_BYTES 17200

extern const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES];
extern const fxp_layer_info fxp_model_layers[FXP_MODEL_LAYER_COUNT];

/* Working memory of one inference, with the alignment that it needs. */
typedef struct {
    alignas(FXP_ALIGNMENT) int8_t bytes[FXP_MODEL_ARENA_BYTES];
} fxp_model_arena;

/*
 * Runs the network once.
 *
 * input     codes [FXP_MODEL_INPUT_HEIGHT][FXP_MODEL_INPUT_WIDTH][FXP_MODEL_INPUT_CHANNELS]
 * output    logit codes [FXP_MODEL_OUTPUT_BYTES], in the order of fxp_model_labels
 * arena     FXP_MODEL_ARENA_BYTES aligned to FXP_ALIGNMENT, such as an fxp_model_arena; overlaps neither of the two
 * observer  called after each layer with its output, in the layout of the layer's kernel; may be NULL
 * context   handed to the observer
 */
void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);

/*
 * Writes what an observer was given as int8 codes.
 *
 * output  the observer's
 * codes   [height][width][channels] of fxp_model_layers[layer].output; overlaps not the output
 */
void fxp_model_unpack(int layer, const int8_t *output, int8_t *codes);

#ifdef __cplusplus
}
#endif

#endif
