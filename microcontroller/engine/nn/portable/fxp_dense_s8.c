/*
 * Dense layer: a matrix times a vector.
 *
 * input    [inputs]
 * weights  [outputs][inputs]
 * output   [outputs]
 */
#include "nn/portable/fxp_portable.h"

void fxp_dense_s8(const fxp_dense_s8_args *args, const int8_t *input, int8_t *output) {
    const int8_t *w = args->weights;

    for (int32_t i = 0; i < args->outputs; ++i) {
        int32_t sum = args->bias[i];
        for (int32_t j = 0; j < args->inputs; ++j) {
            sum += w[j] * input[j];
        }
        output[i] = fxp_requantize(sum, args->requantization);
        w += args->inputs;
    }
}
