/*
 * Hears an I2S microphone (INMP441, ICS-43434, SPH0645 and their kind: 24 bits in slots of 32) and prints what it hears.
 * The DMA has two buffers of a hop each: it fills one while the other one is heard.
 */
#include <stdio.h>

#include "driver/i2s_std.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"

/* Where the microphone is connected. */
#define PIN_CLOCK GPIO_NUM_4
#define PIN_WORD_SELECT GPIO_NUM_5
#define PIN_DATA GPIO_NUM_6
/* 16 takes the upper half of a slot as it is; each one less is twice as loud. */
#define LEVEL_SHIFT 14
#define BLOCK_SAMPLES 320

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

static int16_t sample_of(int32_t slot) {
    const int32_t level = slot >> LEVEL_SHIFT;
    return (int16_t)(level < INT16_MIN ? INT16_MIN : level > INT16_MAX ? INT16_MAX : level);
}

static i2s_chan_handle_t opened(void) {
    i2s_chan_handle_t microphone;
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_AUTO, I2S_ROLE_MASTER);
    channel.dma_desc_num = 2;
    channel.dma_frame_num = BLOCK_SAMPLES;
    const i2s_std_config_t form = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(16000),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_MONO),
        .gpio_cfg = {
            .mclk = I2S_GPIO_UNUSED,
            .bclk = PIN_CLOCK,
            .ws = PIN_WORD_SELECT,
            .dout = I2S_GPIO_UNUSED,
            .din = PIN_DATA,
        },
    };
    ESP_ERROR_CHECK(i2s_new_channel(&channel, NULL, &microphone));
    ESP_ERROR_CHECK(i2s_channel_init_std_mode(microphone, &form));
    ESP_ERROR_CHECK(i2s_channel_enable(microphone));
    return microphone;
}

void app_main(void) {
    static int32_t slots[BLOCK_SAMPLES];
    static int16_t samples[BLOCK_SAMPLES];
    const i2s_chan_handle_t microphone = opened();
    /* for each model { */
    fxp_kws_init(&kws_of_fxp_kws);
    /* } */
    for (;;) {
        size_t bytes = 0;
        ESP_ERROR_CHECK(i2s_channel_read(microphone, slots, sizeof slots, &bytes, portMAX_DELAY));
        const size_t count = bytes / sizeof slots[0];
        for (size_t i = 0; i < count; i++) {
            samples[i] = sample_of(slots[i]);
        }
        /* for each model { */
        hear_fxp_kws(samples, count);
        /* } */
    }
}
