/* Plays the embedded clip and prints what is heard; fails where anything differs from what the host computed. */
#include <inttypes.h>
#include <stdio.h>

/* for each model { */
#include "fxp_kws_self_test.h"

static int play_fxp_kws(void) {
    static fxp_kws kws;
    static fxp_kws_scratch scratch;
    const uint32_t step_ms = FXP_KWS_STEP_SAMPLES * 1000u / FXP_KWS_SAMPLE_RATE;
    fxp_kws_self_test_result result;
    const bool equal = fxp_kws_self_test(&kws, &scratch, &result);
    printf("%s, profile %s, %d bytes of RAM\n", FXP_KWS_MODEL_NAME, FXP_KWS_PROFILE_NAME, FXP_KWS_RAM_BYTES);
    if (result.heard.label != FXP_KWS_NONE) {
        const uint32_t percent = result.heard.posterior * 100u / 32768u;
        const char *const word = fxp_kws_label(result.heard.label);
        printf("heard %s at %" PRIu32 " ms, %" PRIu32 " %%\n", word, result.heard.step * step_ms, percent);
    }
    printf("logits %08" PRIx32 ": %s\n", result.hash, equal ? "equal to the host's" : "DIFFERENT from the host's");
    return equal ? 0 : 1;
}
/* } */

int main(void) {
    int failures = 0;
    /* for each model { */
    failures += play_fxp_kws();
    /* } */
    return failures;
}
