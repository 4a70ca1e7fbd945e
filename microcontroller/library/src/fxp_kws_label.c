#include "fxp_kws_state.h"

const char *fxp_kws_label(int32_t label) {
    return label < 0 || label >= FXP_KWS_LABELS ? "" : fxp_stream_labels[label];
}
