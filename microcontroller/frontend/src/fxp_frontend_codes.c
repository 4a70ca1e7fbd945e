#include "fxp_frontend_steps.h"

void fxp_frontend_codes(const int16_t *logs, int8_t *codes) {
    for (int32_t i = 0; i < FXP_FRONTEND_COEFFICIENTS; ++i) {
        int32_t sum = 0;
        for (int32_t band = 0; band < FXP_FRONTEND_MEL_BANDS; ++band) {
            sum += logs[band] * fxp_frontend_dct[i][band];
        }
        int32_t code = (sum - fxp_frontend_offsets[i]) >> fxp_frontend_shifts[i];
        code = code < INT8_MIN ? INT8_MIN : code;
        code = code > INT8_MAX ? INT8_MAX : code;
        codes[i] = (int8_t)code;
    }
}
