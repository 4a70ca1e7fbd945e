// Runs golden inputs through TensorFlow Lite Micro and compares every output code: compile it with model, golden inputs
// and a tree of tflite-micro, then put your features in the golden inputs' place.
#include <stdio.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

/* for each model { */
#include "fxp_kws_golden.h"
#include "fxp_kws_model.h"
#include "fxp_kws_ops.h"

static int differing_outputs(tflite::MicroInterpreter *interpreter) {
    int differing = 0;
    for (int i = 0; i < FXP_KWS_GOLDEN_INPUTS; i++) {
        const int8_t *const input = fxp_kws_golden_inputs + i * FXP_KWS_INPUT_BYTES;
        memcpy(interpreter->input(0)->data.int8, input, FXP_KWS_INPUT_BYTES);
        if (interpreter->Invoke() != kTfLiteOk) {
            return -1;
        }
        const int8_t *const output = interpreter->output(0)->data.int8;
        for (int k = 0; k < FXP_KWS_LABELS; k++) {
            differing += output[k] != fxp_kws_golden_outputs[i * FXP_KWS_LABELS + k];
        }
    }
    return differing;
}

int main() {
    alignas(16) static uint8_t arena[FXP_KWS_ARENA_BYTES];
    static fxp_kws_resolver resolver;
    tflite::InitializeTarget();
    if (fxp_kws_add_ops(&resolver) != kTfLiteOk) {
        printf("operators can't be added\n");
        return 1;
    }
    static tflite::MicroInterpreter interpreter(tflite::GetModel(fxp_kws_model), resolver, arena, sizeof arena);
    if (interpreter.AllocateTensors() != kTfLiteOk) {
        printf("the arena of %d bytes is too small\n", FXP_KWS_ARENA_BYTES);
        return 1;
    }
    const int differing = differing_outputs(&interpreter);
    printf("arena %u of %d bytes, ", (unsigned)interpreter.arena_used_bytes(), FXP_KWS_ARENA_BYTES);
    printf("%d output codes of %d inputs differ\n", differing, FXP_KWS_GOLDEN_INPUTS);
    return differing == 0 ? 0 : 1;
}
/* } */
