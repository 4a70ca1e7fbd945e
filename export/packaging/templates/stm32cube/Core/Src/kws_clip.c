/* Plays the embedded clip and prints what is heard; printf goes where the project's _write sends it. */
#include <inttypes.h>
#include <stdio.h>

#include "kws_app.h"

/* for each model { */
#include "fxp_kws_self_test.h"

static int play_fxp_kws(void) {
    static fxp_kws kws;
    static fxp_kws_scratch scratch;
    fxp_kws_self_test_result result;
    const bool equal = fxp_kws_self_test(&kws, &scratch, &result);
    printf("%s, profile %s, %d bytes of RAM\n", FXP_KWS_MODEL_NAME, FXP_KWS_PROFILE_NAME, FXP_KWS_RAM_BYTES);
    if (result.heard.label != FXP_KWS_NONE) {
        printf("heard %s\n", fxp_kws_label(result.heard.label));
    }
    printf("logits %08" PRIx32 ": %s\n", result.hash, equal ? "equal to the host's" : "DIFFERENT from the host's");
    return equal ? 0 : 1;
}
/* } */

int kws_clip(void) {
    int failures = 0;
    /* for each model { */
    failures += play_fxp_kws();
    /* } */
    return failures;
}
