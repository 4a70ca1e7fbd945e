#include "report.h"

#include "board.h"
#include "core.h"

static const char digits[] = "0123456789abcdef";

void report_text(const char *text) {
    while (*text != '\0') {
        board_write(*text++);
    }
}

static void name_of(const char *name) {
    board_write(' ');
    report_text(name);
    board_write('=');
}

static void decimal(uint64_t value) {
    char reversed[20];
    size_t length = 0;
    do {
        reversed[length++] = digits[value % 10u];
        value /= 10u;
    } while (value != 0);
    while (length > 0) {
        board_write(reversed[--length]);
    }
}

void report_unsigned(const char *name, uint64_t value) {
    name_of(name);
    decimal(value);
}

void report_signed(const char *name, int32_t value) {
    name_of(name);
    if (value < 0) {
        board_write('-');
    }
    decimal(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void report_hex(const char *name, uint32_t value) {
    name_of(name);
    report_text("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        board_write(digits[(value >> shift) & 15u]);
    }
}

void report_string(const char *name, const char *value) {
    name_of(name);
    report_text(value);
}

void report_bytes(const char *name, const int8_t *bytes, size_t count) {
    name_of(name);
    for (size_t i = 0; i < count; i++) {
        const uint8_t byte = (uint8_t)bytes[i];
        board_write(digits[byte >> 4]);
        board_write(digits[byte & 15u]);
    }
}

void report_end_of_line(void) {
    board_write('\n');
}

_Noreturn void report_end(uint32_t status) {
    report_text("END");
    report_unsigned("status", status);
    report_end_of_line();
    board_stop();
    core_stop();
}
