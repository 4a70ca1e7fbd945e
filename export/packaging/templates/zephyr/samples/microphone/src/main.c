/*
 * Hears a PDM microphone through Zephyr's DMIC driver: it fills one block of the slab while another one is heard. The
 * board, or an overlay of yours, calls the device dmic_dev.
 */
#include <stdio.h>
#include <zephyr/audio/dmic.h>
#include <zephyr/kernel.h>

#define BLOCK_SAMPLES 320
#define BLOCK_BYTES (BLOCK_SAMPLES * sizeof(int16_t))
#define BLOCKS 4
#define TIMEOUT_MS 1000

K_MEM_SLAB_DEFINE_STATIC(blocks, BLOCK_BYTES, BLOCKS, 4);

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

static int listen(const struct device *microphone) {
    struct pcm_stream_cfg stream = {.pcm_rate = 16000, .pcm_width = 16, .block_size = BLOCK_BYTES, .mem_slab = &blocks};
    struct dmic_cfg config = {
        .io = {.min_pdm_clk_freq = 1000000, .max_pdm_clk_freq = 3500000, .min_pdm_clk_dc = 40, .max_pdm_clk_dc = 60},
        .streams = &stream,
        .channel = {
            .req_chan_map_lo = dmic_build_channel_map(0, 0, PDM_CHAN_LEFT),
            .req_num_chan = 1,
            .req_num_streams = 1,
        },
    };
    const int error = dmic_configure(microphone, &config);
    return error < 0 ? error : dmic_trigger(microphone, DMIC_TRIGGER_START);
}

int main(void) {
    const struct device *const microphone = DEVICE_DT_GET(DT_NODELABEL(dmic_dev));
    if (!device_is_ready(microphone) || listen(microphone) < 0) {
        printf("no microphone\n");
        return 0;
    }
    /* for each model { */
    fxp_kws_init(&kws_of_fxp_kws);
    /* } */
    for (;;) {
        void *block;
        uint32_t bytes;
        if (dmic_read(microphone, 0, &block, &bytes, TIMEOUT_MS) < 0) {
            printf("samples were lost\n");
            continue;
        }
        /* for each model { */
        hear_fxp_kws(block, bytes / sizeof(int16_t));
        /* } */
        k_mem_slab_free(&blocks, block);
    }
}
