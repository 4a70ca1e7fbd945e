/* What a generated streaming network shows to a foreign-function binding on the host, where its macros can't be seen. */
#include "fxp_stream_model.h"

uint32_t fxp_stream_host_state_bytes(void);
uint32_t fxp_stream_host_arena_bytes(void);
uint32_t fxp_stream_host_frames(void);
uint32_t fxp_stream_host_frame_bytes(void);
uint32_t fxp_stream_host_steps(void);
uint32_t fxp_stream_host_label_count(void);
int32_t fxp_stream_host_delay_frames(void);
const char *fxp_stream_host_model_sha256(void);
const char *fxp_stream_host_label(uint32_t label);
void fxp_stream_host_init(void *state);
void fxp_stream_host_run(void *state, const int8_t *input, int8_t *output, uint32_t calls, void *arena);

uint32_t fxp_stream_host_state_bytes(void) {
    return sizeof(fxp_stream_state);
}

uint32_t fxp_stream_host_arena_bytes(void) {
    return FXP_STREAM_ARENA_BYTES;
}

uint32_t fxp_stream_host_frames(void) {
    return FXP_STREAM_FRAMES;
}

uint32_t fxp_stream_host_frame_bytes(void) {
    return FXP_STREAM_FRAME_BYTES;
}

uint32_t fxp_stream_host_steps(void) {
    return FXP_STREAM_STEPS;
}

uint32_t fxp_stream_host_label_count(void) {
    return FXP_STREAM_LABELS;
}

int32_t fxp_stream_host_delay_frames(void) {
    return FXP_STREAM_DELAY_FRAMES;
}

const char *fxp_stream_host_model_sha256(void) {
    return FXP_STREAM_SHA256;
}

const char *fxp_stream_host_label(uint32_t label) {
    return fxp_stream_labels[label];
}

void fxp_stream_host_init(void *state) {
    fxp_stream_init(state);
}

/* input [calls][FXP_STREAM_INPUT_BYTES], output [calls][FXP_STREAM_OUTPUT_BYTES] */
void fxp_stream_host_run(void *state, const int8_t *input, int8_t *output, uint32_t calls, void *arena) {
    for (uint32_t i = 0; i < calls; ++i) {
        fxp_stream_step(state, input, output, arena);
        input += FXP_STREAM_INPUT_BYTES;
        output += FXP_STREAM_OUTPUT_BYTES;
    }
}
