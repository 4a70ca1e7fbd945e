#include "fault.h"

#include <stdint.h>

#include "report.h"
#include "status.h"

enum { FAULT_STACK_BYTES = 512 };

/* Faults run on a stack of their own: the other one may be what failed. */
__attribute__((aligned(16), used)) static uint8_t fault_stack[FAULT_STACK_BYTES];

_Noreturn __attribute__((used)) void fault_report(uint32_t pc, uint32_t cause, uint32_t sp, uint32_t address);

/* Every trap has one vector from the start on. */
void fault_enable(void) {
}

/* Privileged Architecture, table of mcause. */
static const char *kind(uint32_t cause) {
    static const char *const kinds[] = {
        "InstructionMisaligned",
        "InstructionAccess",
        "IllegalInstruction",
        "Breakpoint",
        "LoadMisaligned",
        "LoadAccess",
        "StoreMisaligned",
        "StoreAccess",
    };
    return cause < sizeof kinds / sizeof kinds[0] ? kinds[cause] : "UnexpectedException";
}

_Noreturn void fault_report(uint32_t pc, uint32_t cause, uint32_t sp, uint32_t address) {
    report_end_of_line(); /* the fault may have come in the middle of a line */
    report_text("FAULT");
    report_string("kind", kind(cause));
    report_hex("pc", pc);
    report_hex("sp", sp);
    report_unsigned("exception", cause);
    report_hex("address", address);
    report_end_of_line();
    report_end(STATUS_FAULT);
}

__attribute__((naked, aligned(4))) void fault_entry(void) {
    __asm volatile("csrr a0, mepc\n"
                   "csrr a1, mcause\n"
                   "mv a2, sp\n"
                   "csrr a3, mtval\n"
                   "la sp, fault_stack + %0\n"
                   "j fault_report\n"
                   :
                   : "i"(FAULT_STACK_BYTES));
}
