#include "fxp_detector.h"

#include <string.h>

void fxp_detector_init(fxp_detector *detector) {
    memset(detector, 0, sizeof *detector);
}
