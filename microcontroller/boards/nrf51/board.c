/* nRF51: UART0 for the report, TIMER0 as counter. Registers: Nordic nRF51 Series Reference Manual, chapters 18 and 29. */

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_START_TX REGISTER(0x40002008u)
#define UART_TX_READY REGISTER(0x4000211cu)
#define UART_ENABLE REGISTER(0x40002500u)
#define UART_PIN_TXD REGISTER(0x4000250cu)
#define UART_TXD REGISTER(0x4000251cu)
#define UART_BAUDRATE REGISTER(0x40002524u)
#define UART_ENABLED 4u
#define UART_BAUDRATE_115200 0x01d7e000u
#define PIN_TXD 24u /* of the micro:bit */

#define TIMER_START REGISTER(0x40008000u)
#define TIMER_STOP REGISTER(0x40008004u)
#define TIMER_CAPTURE REGISTER(0x40008040u)
#define TIMER_BITMODE REGISTER(0x40008508u)
#define TIMER_PRESCALER REGISTER(0x40008510u)
#define TIMER_CAPTURED REGISTER(0x40008540u)
#define TIMER_BITMODE_32 3u

void board_start(void) {
    UART_PIN_TXD = PIN_TXD;
    UART_BAUDRATE = UART_BAUDRATE_115200;
    UART_ENABLE = UART_ENABLED;
    UART_START_TX = 1;

    TIMER_BITMODE = TIMER_BITMODE_32;
    TIMER_PRESCALER = 0; /* 16 MHz */
    TIMER_START = 1;
}

/* Waits after the byte, and not before it: the first one finds nothing to wait for. */
void board_write(char byte) {
    UART_TX_READY = 0;
    UART_TXD = (uint8_t)byte;
    while (UART_TX_READY == 0) {
    }
}

uint32_t board_ticks(void) {
    TIMER_CAPTURE = 1;
    return TIMER_CAPTURED;
}

void board_stop(void) {
    TIMER_STOP = 1;
}
