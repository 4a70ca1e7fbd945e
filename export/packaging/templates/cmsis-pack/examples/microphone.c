/*
 * Hears an I2S microphone through a CMSIS-Driver SAI and prints what it hears: the DMA fills one buffer while the other
 * one is heard, and the core sleeps in between.
 */
#include <stdio.h>

#include "Driver_SAI.h"
#include "RTE_Components.h"
#include CMSIS_device_header

#define BLOCK_SAMPLES 320

extern ARM_DRIVER_SAI Driver_SAI0;

static int16_t blocks[2][BLOCK_SAMPLES];
static volatile uint32_t received; /* blocks so far */

static void on_event(uint32_t event) {
    if ((event & ARM_SAI_EVENT_RECEIVE_COMPLETE) != 0) {
        const uint32_t next = received + 1;
        received = next;
        (void)Driver_SAI0.Receive(blocks[next % 2], BLOCK_SAMPLES);
    }
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

static int32_t listen(void) {
    const uint32_t form = ARM_SAI_CONFIGURE_RX | ARM_SAI_MODE_MASTER | ARM_SAI_ASYNCHRONOUS | ARM_SAI_PROTOCOL_I2S |
                          ARM_SAI_MONO_MODE | ARM_SAI_DATA_SIZE(16);
    int32_t status = Driver_SAI0.Initialize(on_event);
    status = status == ARM_DRIVER_OK ? Driver_SAI0.PowerControl(ARM_POWER_FULL) : status;
    status = status == ARM_DRIVER_OK ? Driver_SAI0.Control(form, 0, 16000) : status;
    status = status == ARM_DRIVER_OK ? Driver_SAI0.Control(ARM_SAI_CONTROL_RX, 1, 0) : status;
    return status == ARM_DRIVER_OK ? Driver_SAI0.Receive(blocks[0], BLOCK_SAMPLES) : status;
}

int main(void) {
    uint32_t heard_blocks = 0;
    /* for each model { */
    fxp_kws_init(&kws_of_fxp_kws);
    /* } */
    if (listen() != ARM_DRIVER_OK) {
        printf("no microphone\n");
        return 1;
    }
    for (;;) {
        sleep_until_more_than(heard_blocks);
        if (received - heard_blocks > 1) {
            printf("samples were lost\n");
            heard_blocks = received - 1;
        }
        /* for each model { */
        hear_fxp_kws(blocks[heard_blocks % 2], BLOCK_SAMPLES);
        /* } */
        heard_blocks++;
    }
}
