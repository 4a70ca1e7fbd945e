/* For libFuzzer: bytes are the logits of a stream, step by step; a detected class is one of the labels, or -1. */
#include "fxp_detector.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fxp_detector *const detector = malloc(sizeof *detector);
    int8_t *const logits = malloc(FXP_DETECTOR_CLASSES);
    if (detector != NULL && logits != NULL) {
        fxp_detector_init(detector);
        for (; size >= FXP_DETECTOR_CLASSES; size -= FXP_DETECTOR_CLASSES, bytes += FXP_DETECTOR_CLASSES) {
            memcpy(logits, bytes, FXP_DETECTOR_CLASSES);
            const int32_t detected = fxp_detector_step(detector, logits);
            if (detected < -1 || detected >= FXP_DETECTOR_CLASSES) {
                abort();
            }
        }
    }
    free(detector);
    free(logits);
    return 0;
}
