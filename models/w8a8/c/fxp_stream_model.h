/* Generated from an integer model (kernels: fast). Don't edit: export the model again. */
#ifndef FXP_STREAM_MODEL_H
#define FXP_STREAM_MODEL_H

#include "fxp_engine.h"

#include <stdalign.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FXP_STREAM_NAME "ds_cnn_mlperf"
#define FXP_STREAM_SHA256 "53438d72021a8ff440261449b3c08a24218bce2f28dc3701cd212c0688b12e76"
#define FXP_STREAM_FRAME_BYTES 10
#define FXP_STREAM_FRAMES 2
#define FXP_STREAM_INPUT_BYTES 20
#define FXP_STREAM_INPUT_FRACTION_BITS 5
#define FXP_STREAM_STEPS 1
#define FXP_STREAM_LABELS 12
#define FXP_STREAM_OUTPUT_BYTES 12
#define FXP_STREAM_OUTPUT_FRACTION_BITS 3
#define FXP_STREAM_DELAY_FRAMES 13
#define FXP_STREAM_MACS 107008
#define FXP_STREAM_WEIGHT_BYTES 46896
#define FXP_STREAM_ARENA_BYTES 1536

extern const char *const fxp_stream_labels[FXP_STREAM_LABELS];

/* What the network remembers: of each layer's input the last rows, with room for new ones behind them. */
// clang-format off
typedef struct {
    alignas(FXP_ALIGNMENT) int8_t conv0_rows[100]; /* 80 bytes stay, 20 are new */
    alignas(FXP_ALIGNMENT) int8_t depthwise1_rows[1920]; /* 1280 bytes stay, 640 are new */
    alignas(FXP_ALIGNMENT) int8_t depthwise2_rows[1920]; /* 1280 bytes stay, 640 are new */
    alignas(FXP_ALIGNMENT) int8_t depthwise3_rows[1920]; /* 1280 bytes stay, 640 are new */
    alignas(FXP_ALIGNMENT) int8_t depthwise4_rows[1920]; /* 1280 bytes stay, 640 are new */
    alignas(FXP_ALIGNMENT) int8_t pool_sums[3332]; /* running sums over 25 rows */
} fxp_stream_state;
// clang-format on

/* Working memory of one call, with the alignment that it needs; nothing in it lasts. */
typedef struct {
    alignas(FXP_ALIGNMENT) int8_t bytes[FXP_STREAM_ARENA_BYTES];
} fxp_stream_arena;

/* Forgets all frames: every code that the network remembers becomes 0. Call it before the first step. */
void fxp_stream_init(fxp_stream_state *state);

/*
 * Takes the next frames of the stream and gives logits, one row for each step.
 *
 * A row is about the window that ended FXP_STREAM_DELAY_FRAMES frames before the step's last one.
 *
 * input   codes [FXP_STREAM_FRAMES][FXP_STREAM_FRAME_BYTES]
 * output  codes [FXP_STREAM_STEPS][FXP_STREAM_LABELS], in the order of fxp_stream_labels
 * arena   FXP_STREAM_ARENA_BYTES aligned to FXP_ALIGNMENT, such as an fxp_stream_arena; overlaps nothing else
 */
void fxp_stream_step(fxp_stream_state *state, const int8_t *input, int8_t *output, void *arena);

#ifdef __cplusplus
}
#endif

#endif
