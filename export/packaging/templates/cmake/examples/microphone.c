/*
 * Hears raw samples from standard input (16 kHz, mono, signed 16 bits) until they end:
 *
 *     arecord -q -t raw -r 16000 -c 1 -f S16_LE | ./microphone
 */
#include <inttypes.h>
#include <stdio.h>

/* for each model { */
#include "fxp_kws.h"

static void hear_fxp_kws(const int16_t *samples, size_t count) {
    static fxp_kws kws;
    static fxp_kws_scratch scratch;
    static bool begun;
    const uint32_t step_ms = FXP_KWS_STEP_SAMPLES * 1000u / FXP_KWS_SAMPLE_RATE;
    fxp_kws_detection heard;
    if (!begun) {
        fxp_kws_init(&kws);
        begun = true;
    }
    while (count > 0) {
        const size_t taken = fxp_kws_push(&kws, samples, count, &scratch);
        samples += taken;
        count -= taken;
        while (fxp_kws_poll(&kws, &heard)) {
            printf("%" PRIu32 " ms %s\n", heard.step * step_ms, fxp_kws_label(heard.label));
            fflush(stdout);
        }
    }
}
/* } */

int main(void) {
    int16_t block[160];
    size_t count;
    while ((count = fread(block, sizeof block[0], sizeof block / sizeof block[0], stdin)) > 0) {
        /* for each model { */
        hear_fxp_kws(block, count);
        /* } */
    }
    return 0;
}
