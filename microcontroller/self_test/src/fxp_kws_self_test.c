#include "fxp_check_tables.h"

const fxp_checked_table *fxp_kws_self_test(void) {
    const fxp_checked_table *damaged = fxp_frontend_self_test();
    damaged = damaged != NULL ? damaged : fxp_stream_self_test();
    return damaged != NULL ? damaged : fxp_detector_self_test();
}
