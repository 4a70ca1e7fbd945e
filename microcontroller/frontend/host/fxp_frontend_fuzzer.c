/* For libFuzzer: bytes are the samples of a stream, hop by hop; sanitizers say what is wrong. */
#include "fxp_frontend.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const size_t hop = FXP_FRONTEND_HOP_SAMPLES * sizeof(int16_t);
    fxp_frontend *const state = malloc(sizeof *state);
    fxp_frontend_scratch *const scratch = malloc(sizeof *scratch);
    int16_t *const samples = malloc(hop);
    int8_t *const features = malloc(FXP_FRONTEND_FEATURE_BYTES);
    if (state != NULL && scratch != NULL && samples != NULL && features != NULL) {
        fxp_frontend_init(state);
        while (size > 0) {
            const size_t part = size < hop ? size : hop;
            memset(samples, 0, hop);
            memcpy(samples, bytes, part);
            (void)fxp_frontend_hop(state, samples, scratch);
            bytes += part;
            size -= part;
        }
        fxp_frontend_features(state, features);
    }
    free(state);
    free(scratch);
    free(samples);
    free(features);
    return 0;
}
