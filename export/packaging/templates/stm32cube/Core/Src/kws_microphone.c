/*
 * Hears an I2S microphone on the peripheral that CubeMX calls hi2s2: 16 kHz, 16 bits on 32-bit frames, receive only, its
 * DMA circular with halfwords. The DMA fills one half of the buffer while the other one is heard; the core sleeps.
 */
#include <stdio.h>

#include "kws_app.h"
#include "main.h"

#define BLOCK_SAMPLES 320
#define CHANNELS 2 /* I2S sends left and right; the microphone speaks on the left */

extern I2S_HandleTypeDef hi2s2;

static int16_t frames[2][BLOCK_SAMPLES * CHANNELS];
static volatile uint32_t received; /* halves so far */

void HAL_I2S_RxHalfCpltCallback(I2S_HandleTypeDef *i2s) {
    (void)i2s;
    received++;
}

void HAL_I2S_RxCpltCallback(I2S_HandleTypeDef *i2s) {
    (void)i2s;
    received++;
}

/*
 * Sleeps until there is more than what was heard. The look and the sleep are one: an interrupt in between would wait for the
 * next one. A pending interrupt ends __WFI although it is masked, and is served behind __enable_irq.
 */
static void sleep_until_more_than(uint32_t heard) {
    __disable_irq();
    while (received == heard) {
        __WFI();
        __enable_irq();
        __ISB();
        __disable_irq();
    }
    __enable_irq();
}

/* for each model { */
#include "fxp_kws.h"

static fxp_kws kws_of_fxp_kws;

static void hear_fxp_kws(const int16_t *samples, size_t count) {
    static fxp_kws_scratch scratch;
    fxp_kws_detection heard;
    while (count > 0) {
        const size_t taken = fxp_kws_push(&kws_of_fxp_kws, samples, count, &scratch);
        samples += taken;
        count -= taken;
        while (fxp_kws_poll(&kws_of_fxp_kws, &heard)) {
            printf("%s\n", fxp_kws_label(heard.label));
        }
    }
}
/* } */

static void hear(const int16_t *half) {
    static int16_t samples[BLOCK_SAMPLES];
    for (uint32_t i = 0; i < BLOCK_SAMPLES; i++) {
        samples[i] = half[i * CHANNELS];
    }
    /* for each model { */
    hear_fxp_kws(samples, BLOCK_SAMPLES);
    /* } */
}

void kws_microphone(void) {
    uint32_t heard_halves = 0;
    /* for each model { */
    fxp_kws_init(&kws_of_fxp_kws);
    /* } */
    if (HAL_I2S_Receive_DMA(&hi2s2, (uint16_t *)frames, sizeof frames / sizeof frames[0][0]) != HAL_OK) {
        printf("no microphone\n");
        return;
    }
    for (;;) {
        sleep_until_more_than(heard_halves);
        if (received - heard_halves > 1) {
            printf("samples were lost\n");
            heard_halves = received - 1;
        }
        hear(frames[heard_halves % 2]);
        heard_halves++;
    }
}
