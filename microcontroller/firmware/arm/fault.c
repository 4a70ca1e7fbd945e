#include "fault.h"

#include <stdint.h>

#include "firmware_config.h"
#include "report.h"
#include "status.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
/* System control block, Armv7-M Architecture Reference Manual B3.2. */
#define SCB_SHCSR REGISTER(0xe000ed24u)
#define SCB_SHCSR_FAULTS_ENABLED (7u << 16)
#define SCB_CFSR REGISTER(0xe000ed28u)
#define SCB_HFSR REGISTER(0xe000ed2cu)
#define SCB_BFAR REGISTER(0xe000ed38u)

enum { FRAME_PC = 6, FRAME_WORDS = 8, FAULT_STACK_BYTES = 512 };

/* Faults run on a stack of their own: the other one may be what failed. */
__attribute__((aligned(8), used)) static uint8_t fault_stack[FAULT_STACK_BYTES];

_Noreturn __attribute__((used)) void fault_report(const uint32_t *frame, uint32_t exception);

void fault_enable(void) {
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
    SCB_SHCSR |= SCB_SHCSR_FAULTS_ENABLED;
#endif
}

static const char *kind(uint32_t exception) {
    switch (exception) {
    case 2:
        return "NMI";
    case 3:
        return "HardFault";
    case 4:
        return "MemManage";
    case 5:
        return "BusFault";
    case 6:
        return "UsageFault";
    default:
        return "UnexpectedException";
    }
}

_Noreturn void fault_report(const uint32_t *frame, uint32_t exception) {
    const uintptr_t address = (uintptr_t)frame;
    const uintptr_t ram_end = FIRMWARE_RAM_ORIGIN + FIRMWARE_RAM_BYTES;
    report_end_of_line(); /* the fault may have come in the middle of a line */
    report_text("FAULT");
    report_string("kind", kind(exception));
    if (address >= FIRMWARE_RAM_ORIGIN && address + FRAME_WORDS * sizeof(uint32_t) <= ram_end) {
        report_hex("pc", frame[FRAME_PC]);
    } else {
        /* The stack left memory: the core could not save the program counter. */
        report_string("pc", "lost");
    }
    report_hex("sp", (uint32_t)address);
    report_unsigned("exception", exception);
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
    report_hex("cfsr", SCB_CFSR);
    report_hex("hfsr", SCB_HFSR);
    report_hex("address", SCB_BFAR);
#endif
    report_end_of_line();
    report_end(STATUS_FAULT);
}

__attribute__((naked)) void fault_entry(void) {
    __asm volatile(".syntax unified\n"
                   "mrs r0, msp\n"
                   "mrs r1, ipsr\n"
                   "ldr r2, =fault_stack + %c0\n"
                   "mov sp, r2\n"
                   "ldr r2, =fault_report\n"
                   "bx r2\n"
                   ".ltorg\n"
                   :
                   : "i"(FAULT_STACK_BYTES));
}
