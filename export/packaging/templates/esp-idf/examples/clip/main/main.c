/* Plays the embedded clip and prints what is heard: the chip has to compute what the host computed. */
#include <inttypes.h>
#include <stdio.h>

#include "esp_timer.h"

/* for each model { */
#include "fxp_kws_self_test.h"

static void play_fxp_kws(void) {
    static fxp_kws kws;
    static fxp_kws_scratch scratch;
    fxp_kws_self_test_result result;
    const int64_t start = esp_timer_get_time();
    const bool equal = fxp_kws_self_test(&kws, &scratch, &result);
    const int64_t duration_ms = (esp_timer_get_time() - start) / 1000;
    printf("%s, profile %s, %d bytes of RAM\n", FXP_KWS_MODEL_NAME, FXP_KWS_PROFILE_NAME, FXP_KWS_RAM_BYTES);
    if (result.heard.label != FXP_KWS_NONE) {
        printf("heard %s\n", fxp_kws_label(result.heard.label));
    }
    printf("logits %08" PRIx32 ": %s\n", result.hash, equal ? "equal to the host's" : "DIFFERENT from the host's");
    printf("%" PRId64 " ms for %d ms of sound\n", duration_ms, FXP_KWS_CLIP_SAMPLES * 1000 / FXP_KWS_SAMPLE_RATE);
}
/* } */

void app_main(void) {
    /* for each model { */
    play_fxp_kws();
    /* } */
}
