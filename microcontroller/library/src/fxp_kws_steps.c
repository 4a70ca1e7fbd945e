#include "fxp_kws_state.h"

uint32_t fxp_kws_steps(const fxp_kws *kws) {
    return fxp_kws_read(kws)->steps;
}
