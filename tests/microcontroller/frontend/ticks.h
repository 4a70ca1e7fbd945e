/* TIM2 of an STM32F4, which ticks once per instruction under QEMU's -icount shift=0. */
#ifndef TICKS_H
#define TICKS_H

#include <stdint.h>

static inline void ticks_start(void) {
    volatile uint32_t *const apb1_enable = (volatile uint32_t *)0x40023840u;
    volatile uint32_t *const timer = (volatile uint32_t *)0x40000000u;
    *apb1_enable |= 1u;
    timer[0x28 / 4] = 0;           /* PSC */
    timer[0x2c / 4] = 0xffffffffu; /* ARR */
    timer[0x14 / 4] = 1;           /* EGR: UG */
    timer[0] = 1;                  /* CR1: CEN */
}

static inline uint32_t ticks(void) {
    return *(volatile uint32_t *)0x40000024u;
}

#endif
