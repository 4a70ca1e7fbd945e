/* Files and text of the host, through the emulator. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>

enum semihosting_mode { READ_BINARY = 1, WRITE_BINARY = 5 };

static inline uint32_t semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static inline uint32_t semihosting_open(const char *path, uint32_t bytes, enum semihosting_mode mode) {
    enum { SYS_OPEN = 1 };
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)path, (uint32_t)mode, bytes};
    return semihosting(SYS_OPEN, arguments);
}

/* Bytes that were not read. */
static inline uint32_t semihosting_read(uint32_t file, void *data, uint32_t bytes) {
    enum { SYS_READ = 6 };
    const uint32_t arguments[3] = {file, (uint32_t)(uintptr_t)data, bytes};
    return semihosting(SYS_READ, arguments);
}

static inline void semihosting_write(uint32_t file, const void *data, uint32_t bytes) {
    enum { SYS_WRITE = 5 };
    const uint32_t arguments[3] = {file, (uint32_t)(uintptr_t)data, bytes};
    (void)semihosting(SYS_WRITE, arguments);
}

static inline void semihosting_print(const char *text) {
    enum { SYS_WRITE0 = 4 };
    (void)semihosting(SYS_WRITE0, text);
}

/* "name number\n" */
static inline void semihosting_number(const char *name, uint32_t number) {
    char digits[12];
    char *next = digits + sizeof digits;
    *--next = 0;
    *--next = '\n';
    do {
        *--next = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    semihosting_print(name);
    semihosting_print(" ");
    semihosting_print(next);
}

static inline _Noreturn void semihosting_exit(void) {
    enum { SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026 };
    (void)semihosting(SYS_EXIT, (const void *)APPLICATION_EXIT);
    for (;;) {
    }
}

#endif
