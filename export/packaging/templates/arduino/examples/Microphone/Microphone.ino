/*
 * Hears the board's PDM microphone (Nano 33 BLE Sense, Nano RP2040 Connect, Portenta Vision Shield and others with the
 * library PDM), prints what it hears, and every two seconds the loudest sample: speech should reach some thousands.
 */
#include <Arduino.h>
#include <PDM.h>

static const int BLOCK_SAMPLES = 320;
static const int GAIN = 30; /* of the PDM library; louder is more, until the loudest sample is 32767 */

/* Two blocks: the interrupt fills one while the loop hears the other. */
static int16_t blocks[2][BLOCK_SAMPLES];
static volatile size_t filled[2];
static volatile unsigned long lost;

static void on_samples(void) {
    static int writing;
    int bytes = PDM.available();
    if (filled[writing] != 0) {
        lost++; /* the loop was too slow: the older block is kept */
        int16_t nowhere[BLOCK_SAMPLES];
        PDM.read(nowhere, bytes < (int)sizeof nowhere ? bytes : (int)sizeof nowhere);
        return;
    }
    bytes = PDM.read(blocks[writing], bytes < (int)sizeof blocks[0] ? bytes : (int)sizeof blocks[0]);
    filled[writing] = (size_t)bytes / sizeof blocks[0][0];
    writing ^= 1;
}

/* for each model { */
#include <fxp_kws.h>

static fxp_kws kws_of_fxp_kws;

static void hear_fxp_kws(const int16_t *samples, size_t count) {
    static fxp_kws_scratch scratch;
    fxp_kws_detection heard;
    while (count > 0) {
        const size_t taken = fxp_kws_push(&kws_of_fxp_kws, samples, count, &scratch);
        samples += taken;
        count -= taken;
        while (fxp_kws_poll(&kws_of_fxp_kws, &heard)) {
            Serial.println(fxp_kws_label(heard.label));
        }
    }
}
/* } */

static void show_level(const int16_t *samples, size_t count) {
    static int loudest;
    static unsigned long shown;
    for (size_t i = 0; i < count; i++) {
        loudest = max(loudest, abs((int)samples[i]));
    }
    if (millis() - shown > 2000) {
        Serial.print("loudest ");
        Serial.print(loudest);
        Serial.print(", blocks lost ");
        Serial.println(lost);
        shown = millis();
        loudest = 0;
    }
}

void setup() {
    Serial.begin(115200);
    while (!Serial && millis() < 4000) {
    }
    /* for each model { */
    fxp_kws_init(&kws_of_fxp_kws);
    /* } */
    PDM.onReceive(on_samples);
    PDM.setBufferSize(sizeof blocks[0]);
    if (!PDM.begin(1, 16000)) {
        Serial.println("no PDM microphone");
        while (true) {
            delay(1000);
        }
    }
    PDM.setGain(GAIN);
}

void loop() {
    static int reading;
    if (filled[reading] == 0) {
        delay(1); /* the core sleeps */
        return;
    }
    /* for each model { */
    hear_fxp_kws(blocks[reading], filled[reading]);
    /* } */
    show_level(blocks[reading], filled[reading]);
    filled[reading] = 0;
    reading ^= 1;
}
