/* Vector table and reset for any Cortex-M: the core's sixteen entries, no device interrupt is ever enabled. */

#include <stdint.h>
#include <string.h>

#include "fault.h"

#if defined(__ARM_FEATURE_MVE)
/* Armv8-M Architecture Reference Manual, D1.2.14: full access to coprocessors 10 and 11. */
#define SCB_CPACR (*(volatile uint32_t *)0xe000ed88u)
#define SCB_CPACR_VECTORS (15u << 20)
#endif

extern uint32_t link_stack_top[];
extern uint8_t link_data_start[];
extern uint8_t link_data_end[];
extern const uint8_t link_data_load[];
extern uint8_t link_bss_start[];
extern uint8_t link_bss_end[];

int main(void);
_Noreturn void reset(void);

_Noreturn void reset(void) {
#if defined(__ARM_FEATURE_MVE)
    /* Vector instructions fault until their coprocessor is let in, and any function may hold some. */
    SCB_CPACR |= SCB_CPACR_VECTORS;
    __asm volatile("dsb\n"
                   "isb\n" ::
                       : "memory");
#endif
    memcpy(link_data_start, link_data_load, (size_t)(link_data_end - link_data_start));
    memset(link_bss_start, 0, (size_t)(link_bss_end - link_bss_start));
    (void)main();
    for (;;) {
    }
}

union vector {
    uint32_t *stack_top;
    void (*handler)(void);
};

__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
    {.stack_top = link_stack_top}, /* initial stack pointer */
    {.handler = reset},            /* reset */
    {.handler = fault_entry},      /* NMI */
    {.handler = fault_entry},      /* HardFault */
    {.handler = fault_entry},      /* MemManage */
    {.handler = fault_entry},      /* BusFault */
    {.handler = fault_entry},      /* UsageFault */
    {.handler = fault_entry},      /* SecureFault, from Armv8-M on */
    {.handler = fault_entry},      /* reserved */
    {.handler = fault_entry},      /* reserved */
    {.handler = fault_entry},      /* reserved */
    {.handler = fault_entry},      /* SVCall */
    {.handler = fault_entry},      /* DebugMonitor */
    {.handler = fault_entry},      /* reserved */
    {.handler = fault_entry},      /* PendSV */
    {.handler = fault_entry},      /* SysTick */
};
