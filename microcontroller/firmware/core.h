/* What the harness needs of an instruction set, in its own instructions. */

#ifndef CORE_H
#define CORE_H

#include <stdint.h>

static inline uintptr_t core_stack_pointer(void) {
    uintptr_t pointer;
#if defined(__riscv)
    __asm volatile("mv %0, sp" : "=r"(pointer));
#else
    __asm volatile("mov %0, sp" : "=r"(pointer));
#endif
    return pointer;
}

/* So many turns of a loop of two instructions. */
static inline void core_spin(uint32_t turns) {
#if defined(__riscv)
    __asm volatile("1: addi %0, %0, -1\n"
                   "bnez %0, 1b\n"
                   : "+r"(turns));
#else
    __asm volatile(".syntax unified\n"
                   "1: subs %0, %0, #1\n"
                   "bne 1b\n"
                   : "+l"(turns)
                   :
                   : "cc");
#endif
}

/* Sleeps for good: no interrupt is enabled. */
static inline _Noreturn void core_stop(void) {
#if !defined(__riscv)
    __asm volatile("cpsid i");
#endif
    for (;;) {
        __asm volatile("wfi");
    }
}

#endif
