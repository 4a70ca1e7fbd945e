/*
 * A microphone and interrupts for an example that sleeps, on this machine: each sleep ends with the interrupt of one more block
 * of standard input. It fails where the core sleeps while an interrupt could come before: that one would be slept through.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include DEVICE_HEADER

enum { BLOCK_SAMPLES = 320 };

static void deliver(const int16_t *samples);

static bool masked;
static bool pending;

static void serve(void) {
    int16_t samples[BLOCK_SAMPLES];
    if (masked || !pending) {
        return;
    }
    pending = false;
    if (fread(samples, sizeof samples[0], BLOCK_SAMPLES, stdin) < BLOCK_SAMPLES) {
        exit(0);
    }
    deliver(samples);
}

void __disable_irq(void) {
    masked = true;
}

void __enable_irq(void) {
    masked = false;
    serve();
}

void __ISB(void) {
}

void __WFI(void) {
    if (!masked) {
        puts("asleep with interrupts on");
        exit(1);
    }
    pending = true;
}

static void copy(int16_t *to, const int16_t *samples, int channels) {
    for (int i = 0; i < BLOCK_SAMPLES; i++) {
        to[i * channels] = samples[i];
    }
}

#if defined(FOR_STM32CUBE)
#include "kws_app.h"

I2S_HandleTypeDef hi2s2;
static int16_t *frames;
static bool second;

HAL_StatusTypeDef HAL_I2S_Receive_DMA(I2S_HandleTypeDef *i2s, uint16_t *data, uint16_t count) {
    (void)i2s;
    frames = (int16_t *)data;
    return count == 4 * BLOCK_SAMPLES ? HAL_OK : HAL_ERROR;
}

static void deliver(const int16_t *samples) {
    copy(frames + (second ? 2 * BLOCK_SAMPLES : 0), samples, 2);
    (second ? HAL_I2S_RxCpltCallback : HAL_I2S_RxHalfCpltCallback)(&hi2s2);
    second = !second;
}

int main(void) {
    kws_microphone();
    return 1;
}
#elif defined(FOR_CMSIS_PACK)
#include "Driver_SAI.h"

static void (*on_event)(uint32_t event);
static int16_t *block;

static int32_t initialize(void (*event)(uint32_t event)) {
    on_event = event;
    return ARM_DRIVER_OK;
}

static int32_t power_control(ARM_POWER_STATE state) {
    (void)state;
    return ARM_DRIVER_OK;
}

static int32_t receive(void *data, uint32_t count) {
    block = data;
    return count == BLOCK_SAMPLES ? ARM_DRIVER_OK : -1;
}

static int32_t control(uint32_t what, uint32_t first, uint32_t second) {
    (void)what;
    (void)first;
    (void)second;
    return ARM_DRIVER_OK;
}

ARM_DRIVER_SAI Driver_SAI0 = {initialize, power_control, receive, control};

static void deliver(const int16_t *samples) {
    copy(block, samples, 1);
    on_event(ARM_SAI_EVENT_RECEIVE_COMPLETE);
}
#else /* the loop of docs/integrate.md */
void microphone_start(int16_t *samples, uint32_t count);
void microphone_half_full(void);
void microphone_full(void);

static int16_t *blocks;
static bool second;

void microphone_start(int16_t *samples, uint32_t count) {
    blocks = samples;
    if (count != 2 * BLOCK_SAMPLES) {
        exit(1);
    }
}

static void deliver(const int16_t *samples) {
    copy(blocks + (second ? BLOCK_SAMPLES : 0), samples, 1);
    (second ? microphone_full : microphone_half_full)();
    second = !second;
}
#endif
