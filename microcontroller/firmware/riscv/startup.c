/* Reset of a RISC-V core in machine mode: stack, traps, memory protection, data. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fault.h"
#include "firmware_config.h"

extern uint8_t link_data_start[];
extern uint8_t link_data_end[];
extern const uint8_t link_data_load[];
extern uint8_t link_bss_start[];
extern uint8_t link_bss_end[];

int main(void);
_Noreturn void reset(void);
_Noreturn __attribute__((used)) void start(void);

/*
 * Privileged Architecture, 3.7: locked entries bind machine mode, too. Flash can be read and run, RAM read and written;
 * what lies around them is left to the machine, which has nothing there, but for what a board's emulator has beyond RAM.
 */
#define PMP_LOCKED_RANGE 0x98u /* a naturally aligned power of two */
#define PMP_READ_RUN 0x05u
#define PMP_ADDRESS(origin, bytes) (((origin) >> 2) | (((bytes) >> 3) - 1u))

_Static_assert((FIRMWARE_RAM_BYTES & (FIRMWARE_RAM_BYTES - 1u)) == 0, "a region's size is a power of two");
_Static_assert((FIRMWARE_FLASH_BYTES & (FIRMWARE_FLASH_BYTES - 1u)) == 0, "a region's size is a power of two");

static void protect(void) {
    const uint32_t beyond = FIRMWARE_RAM_ORIGIN + FIRMWARE_RAM_BYTES;
    const uint32_t kinds = PMP_LOCKED_RANGE | PMP_READ_RUN | (PMP_LOCKED_RANGE << 8);
    __asm volatile("csrw pmpaddr0, %0\n"
                   "csrw pmpaddr1, %1\n"
                   "csrw pmpcfg0, %2\n"
                   :
                   : "r"(PMP_ADDRESS(FIRMWARE_FLASH_ORIGIN, FIRMWARE_FLASH_BYTES)),
                     "r"(PMP_ADDRESS(beyond, FIRMWARE_BEYOND_BYTES)),
                     "r"(kinds));
}

_Noreturn void start(void) {
    __asm volatile("csrw mtvec, %0" : : "r"(fault_entry));
    protect();
    memcpy(link_data_start, link_data_load, (size_t)(link_data_end - link_data_start));
    memset(link_bss_start, 0, (size_t)(link_bss_end - link_bss_start));
    (void)main();
    for (;;) {
    }
}

/* The first instructions in flash. */
__attribute__((naked, used, section(".vectors"))) void reset(void) {
    __asm volatile("la sp, link_stack_top\n"
                   "j start\n");
}
