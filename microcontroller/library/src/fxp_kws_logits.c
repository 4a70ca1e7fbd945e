#include "fxp_kws_state.h"

const int8_t *fxp_kws_logits(const fxp_kws *kws) {
    return fxp_kws_read(kws)->logits;
}
