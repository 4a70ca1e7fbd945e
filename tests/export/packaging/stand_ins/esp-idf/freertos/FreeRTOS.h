/* What the example uses of FreeRTOS. */
#ifndef FREERTOS_H
#define FREERTOS_H

#define portMAX_DELAY 0xffffffffu

#endif
