/* What the example calls of CMSIS-Driver's SAI. */
#ifndef DRIVER_SAI_H
#define DRIVER_SAI_H

#include <stdint.h>

#define ARM_DRIVER_OK 0
#define ARM_SAI_CONFIGURE_RX 1u
#define ARM_SAI_CONTROL_RX 2u
#define ARM_SAI_MODE_MASTER 4u
#define ARM_SAI_ASYNCHRONOUS 0u
#define ARM_SAI_PROTOCOL_I2S 8u
#define ARM_SAI_MONO_MODE 16u
#define ARM_SAI_DATA_SIZE(bits) ((uint32_t)(bits) << 8)
#define ARM_SAI_EVENT_RECEIVE_COMPLETE 2u

typedef enum { ARM_POWER_OFF, ARM_POWER_LOW, ARM_POWER_FULL } ARM_POWER_STATE;
typedef struct {
    int32_t (*Initialize)(void (*event)(uint32_t event));
    int32_t (*PowerControl)(ARM_POWER_STATE state);
    int32_t (*Receive)(void *data, uint32_t count);
    int32_t (*Control)(uint32_t control, uint32_t first, uint32_t second);
} const ARM_DRIVER_SAI;

#endif
