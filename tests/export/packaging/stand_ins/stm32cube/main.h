/* What the example calls of an STM32Cube HAL, through the header that CubeMX writes. */
#ifndef MAIN_H
#define MAIN_H

#include <stdint.h>

typedef enum { HAL_OK, HAL_ERROR } HAL_StatusTypeDef;
typedef struct {
    int number;
} I2S_HandleTypeDef;

HAL_StatusTypeDef HAL_I2S_Receive_DMA(I2S_HandleTypeDef *i2s, uint16_t *data, uint16_t count);
void HAL_I2S_RxHalfCpltCallback(I2S_HandleTypeDef *i2s);
void HAL_I2S_RxCpltCallback(I2S_HandleTypeDef *i2s);
void __WFI(void);
void __ISB(void);
void __disable_irq(void);
void __enable_irq(void);

#endif
