/* What a generated model shows to a foreign-function binding on the host, where its macros can't be seen. */
#include "fxp_model.h"

uint32_t fxp_host_arena_bytes(void);
uint32_t fxp_host_layer_count(void);
uint32_t fxp_host_label_count(void);
const char *fxp_host_model_sha256(void);
const char *fxp_host_label(uint32_t label);
const char *fxp_host_layer_name(uint32_t layer);
void fxp_host_input_shape(uint32_t shape[3]);
void fxp_host_layer_shape(uint32_t layer, uint32_t shape[3]);
void fxp_host_run(const int8_t *input, int8_t *output, uint32_t count, void *arena);
void fxp_host_run_layers(const int8_t *input, int8_t *layers, int8_t *output, uint32_t count, void *arena);

uint32_t fxp_host_arena_bytes(void) {
    return FXP_MODEL_ARENA_BYTES;
}

uint32_t fxp_host_layer_count(void) {
    return FXP_MODEL_LAYER_COUNT;
}

uint32_t fxp_host_label_count(void) {
    return FXP_MODEL_OUTPUT_BYTES;
}

const char *fxp_host_model_sha256(void) {
    return FXP_MODEL_SHA256;
}

const char *fxp_host_label(uint32_t label) {
    return fxp_model_labels[label];
}

const char *fxp_host_layer_name(uint32_t layer) {
    return fxp_model_layers[layer].name;
}

void fxp_host_input_shape(uint32_t shape[3]) {
    shape[0] = FXP_MODEL_INPUT_HEIGHT;
    shape[1] = FXP_MODEL_INPUT_WIDTH;
    shape[2] = FXP_MODEL_INPUT_CHANNELS;
}

void fxp_host_layer_shape(uint32_t layer, uint32_t shape[3]) {
    const fxp_shape output = fxp_model_layers[layer].output;
    shape[0] = (uint32_t)output.height;
    shape[1] = (uint32_t)output.width;
    shape[2] = (uint32_t)output.channels;
}

/* input [count][FXP_MODEL_INPUT_BYTES], output [count][FXP_MODEL_OUTPUT_BYTES] */
void fxp_host_run(const int8_t *input, int8_t *output, uint32_t count, void *arena) {
    for (uint32_t i = 0; i < count; ++i) {
        fxp_model_invoke(input, output, arena, NULL, NULL);
        input += FXP_MODEL_INPUT_BYTES;
        output += FXP_MODEL_OUTPUT_BYTES;
    }
}

/* Where the next row of each layer's output goes, and what lies behind the last layer's. */
typedef struct {
    int8_t *next[FXP_MODEL_LAYER_COUNT];
    int8_t *end;
} recording;

static void begin(recording *to, int8_t *layers) {
    for (int layer = 0; layer < FXP_MODEL_LAYER_COUNT; ++layer) {
        const fxp_shape shape = fxp_model_layers[layer].output;
        to->next[layer] = layers;
        layers += shape.height * shape.width * shape.channels;
    }
    to->end = layers;
}

static void record(void *context, int layer, const int8_t *output, size_t bytes) {
    int8_t **const next = &((recording *)context)->next[layer];
    const fxp_shape shape = fxp_model_layers[layer].output;
    (void)bytes;
    fxp_model_unpack(layer, output, *next);
    *next += fxp_model_layers[layer].observed_rows * shape.width * shape.channels;
}

/* layers [count][sum of the layers' output bytes]: every layer's output in order of execution, as codes */
void fxp_host_run_layers(const int8_t *input, int8_t *layers, int8_t *output, uint32_t count, void *arena) {
    recording to;
    for (uint32_t i = 0; i < count; ++i) {
        begin(&to, layers);
        fxp_model_invoke(input, output, arena, record, &to);
        layers = to.end;
        input += FXP_MODEL_INPUT_BYTES;
        output += FXP_MODEL_OUTPUT_BYTES;
    }
}
