/* QEMU's virt machine with a 32-bit core: a 16550 UART for the report, the count of retired instructions as counter. Registers:
 * National Semiconductor PC16550D, section 8; RISC-V Privileged Architecture, minstret. */

#include "board.h"

#include "firmware_config.h"

#define REGISTER(address) (*(volatile uint8_t *)(address))

#define UART_DATA REGISTER(FIRMWARE_UART + 0u)
#define UART_LINE_STATUS REGISTER(FIRMWARE_UART + 5u)
#define UART_TX_EMPTY (1u << 5)

void board_start(void) {
}

void board_write(char byte) {
    while ((UART_LINE_STATUS & UART_TX_EMPTY) == 0) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t board_ticks(void) {
    uint32_t instructions;
    __asm volatile("csrr %0, minstret" : "=r"(instructions));
    return instructions;
}

/* The counter can't be stopped. */
void board_stop(void) {
    while ((UART_LINE_STATUS & UART_TX_EMPTY) == 0) {
    }
}
