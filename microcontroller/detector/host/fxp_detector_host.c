/* What a detector shows to a foreign-function binding on the host, where its macros can't be seen. */
#include "fxp_detector.h"

uint32_t fxp_detector_host_classes(void);
uint32_t fxp_detector_host_state_bytes(void);
void fxp_detector_host_init(fxp_detector *detector);
void fxp_detector_host_run(fxp_detector *detector, const int8_t *logits, uint32_t steps, int32_t *detected);

uint32_t fxp_detector_host_classes(void) {
    return FXP_DETECTOR_CLASSES;
}

uint32_t fxp_detector_host_state_bytes(void) {
    return sizeof(fxp_detector);
}

void fxp_detector_host_init(fxp_detector *detector) {
    fxp_detector_init(detector);
}

/* logits [steps][FXP_DETECTOR_CLASSES], detected [steps] */
void fxp_detector_host_run(fxp_detector *detector, const int8_t *logits, uint32_t steps, int32_t *detected) {
    for (uint32_t step = 0; step < steps; ++step) {
        detected[step] = fxp_detector_step(detector, logits);
        logits += FXP_DETECTOR_CLASSES;
    }
}
