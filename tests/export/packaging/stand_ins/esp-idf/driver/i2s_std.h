/* What the example calls of ESP-IDF's I2S driver in standard mode. */
#ifndef I2S_STD_H
#define I2S_STD_H

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

typedef enum { I2S_GPIO_UNUSED = -1, GPIO_NUM_4 = 4, GPIO_NUM_5, GPIO_NUM_6 } gpio_num_t;
typedef struct i2s_channel *i2s_chan_handle_t;
typedef struct {
    int id;
    int role;
    uint32_t dma_desc_num;
    uint32_t dma_frame_num;
} i2s_chan_config_t;
typedef struct {
    uint32_t sample_rate_hz;
} i2s_std_clk_config_t;
typedef struct {
    int data_bit_width;
    int slot_mode;
} i2s_std_slot_config_t;
typedef struct {
    gpio_num_t mclk;
    gpio_num_t bclk;
    gpio_num_t ws;
    gpio_num_t dout;
    gpio_num_t din;
} i2s_std_gpio_config_t;
typedef struct {
    i2s_std_clk_config_t clk_cfg;
    i2s_std_slot_config_t slot_cfg;
    i2s_std_gpio_config_t gpio_cfg;
} i2s_std_config_t;

#define I2S_NUM_AUTO (-1)
#define I2S_ROLE_MASTER 0
#define I2S_DATA_BIT_WIDTH_32BIT 32
#define I2S_SLOT_MODE_MONO 1
#define I2S_CHANNEL_DEFAULT_CONFIG(number, kind) {.id = number, .role = kind}
#define I2S_STD_CLK_DEFAULT_CONFIG(rate) {.sample_rate_hz = rate}
#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(bits, mode) {.data_bit_width = bits, .slot_mode = mode}

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *transmit, i2s_chan_handle_t *receive);
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t *config);
esp_err_t i2s_channel_enable(i2s_chan_handle_t channel);
esp_err_t i2s_channel_read(i2s_chan_handle_t channel, void *data, size_t bytes, size_t *read, uint32_t timeout_ms);

#endif
