/* Plays the embedded clip and prints what is heard: the board has to compute what the host computed. */
#include <Arduino.h>

/* for each model { */
#include <fxp_kws_self_test.h>

static void play_fxp_kws(void) {
    static fxp_kws kws;
    static fxp_kws_scratch scratch;
    fxp_kws_self_test_result result;
    const unsigned long start = millis();
    const bool equal = fxp_kws_self_test(&kws, &scratch, &result);
    const unsigned long duration = millis() - start;
    Serial.print(FXP_KWS_MODEL_NAME ", profile " FXP_KWS_PROFILE_NAME ", bytes of RAM: ");
    Serial.println(FXP_KWS_RAM_BYTES);
    if (result.heard.label != FXP_KWS_NONE) {
        Serial.print("heard ");
        Serial.println(fxp_kws_label(result.heard.label));
    }
    Serial.println(equal ? "logits equal to the host's" : "logits DIFFERENT from the host's");
    Serial.print("ms for ");
    Serial.print(FXP_KWS_CLIP_SAMPLES * 1000L / FXP_KWS_SAMPLE_RATE);
    Serial.print(" ms of sound: ");
    Serial.println(duration);
}
/* } */

void setup() {
    Serial.begin(115200);
    while (!Serial && millis() < 4000) {
    }
}

void loop() {
    /* for each model { */
    play_fxp_kws();
    /* } */
    delay(5000);
}
