#include "fxp_kws_state.h"

uint32_t fxp_kws_posterior(const fxp_kws *kws, int32_t label) {
    if (label < 0 || label >= FXP_KWS_LABELS) {
        return 0;
    }
    return fxp_kws_read(kws)->detector.sums[label] / FXP_DETECTOR_WINDOW;
}
