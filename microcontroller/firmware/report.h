/* Text for the report: small, without heap and without the C library's formatting. */

#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>
#include <stdint.h>

void report_text(const char *text);

/* Writes " name=" and a value. */
void report_unsigned(const char *name, uint64_t value);
void report_signed(const char *name, int32_t value);
void report_hex(const char *name, uint32_t value);
void report_string(const char *name, const char *value);
/* Two hexadecimal digits per byte, in order. */
void report_bytes(const char *name, const int8_t *bytes, size_t count);

void report_end_of_line(void);

/* Writes the END line, stops the board's counter and sleeps for good. */
_Noreturn void report_end(uint32_t status);

#endif
