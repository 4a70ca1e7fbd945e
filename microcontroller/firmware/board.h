/* What a board gives the firmware. Each folder below boards/ implements it in its board.c. */

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Starts the UART and the free-running 32-bit counter. No interrupt is enabled. */
void board_start(void);

/* Sends one byte on the report's UART; blocks until there is room. */
void board_write(char byte);

/* The counter, FIRMWARE_TICKS per FIRMWARE_INSTRUCTIONS instructions in an emulator; wraps at 2^32. */
uint32_t board_ticks(void);

/* Waits for the last byte to leave and stops the counter. */
void board_stop(void);

#endif
