/* Arm's MPS2 and MPS3 with an FPGA image: a CMSDK UART for the report, the cycle up counter of the FPGA's I/O block as
 * counter. Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapter 4.4; application note AN505, section 4.2.
 * board.toml says where the blocks are. */

#include "board.h"

#include "firmware_config.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART_DATA REGISTER(FIRMWARE_UART + 0x00u)
#define UART_STATE REGISTER(FIRMWARE_UART + 0x04u)
#define UART_CTRL REGISTER(FIRMWARE_UART + 0x08u)
#define UART_BAUDDIV REGISTER(FIRMWARE_UART + 0x10u)
#define UART_STATE_TX_FULL (1u << 0)
#define UART_CTRL_TX_ENABLE (1u << 0)
/* 115,200 baud from 25 MHz; the boards' clocks are near it, and an emulator does not mind. */
#define UART_BAUDDIV_115200 217u

#define FPGAIO_COUNTER REGISTER(FIRMWARE_FPGAIO + 0x18u)
#define FPGAIO_PRESCALE REGISTER(FIRMWARE_FPGAIO + 0x1cu)

void board_start(void) {
    UART_BAUDDIV = UART_BAUDDIV_115200;
    UART_CTRL = UART_CTRL_TX_ENABLE;
    FPGAIO_PRESCALE = 0; /* a tick per cycle of the block's clock */
}

void board_write(char byte) {
    while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
    }
    UART_DATA = (uint8_t)byte;
}

uint32_t board_ticks(void) {
    return FPGAIO_COUNTER;
}

/* The counter can't be stopped. */
void board_stop(void) {
    while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
    }
}
