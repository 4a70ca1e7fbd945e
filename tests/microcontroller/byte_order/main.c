/* Runs a generated network over inputs.h on a bare Cortex-A in QEMU and prints its codes, a line for each answer. */
#include <stddef.h>
#include <stdint.h>

#ifdef STREAM
#include "fxp_stream_model.h"
enum { INPUT_BYTES = FXP_STREAM_INPUT_BYTES, OUTPUT_BYTES = FXP_STREAM_OUTPUT_BYTES };
static fxp_stream_state state;
static fxp_stream_arena arena;
#define RUN(input, output) fxp_stream_step(&state, input, output, &arena)
#else
#include "fxp_model.h"
enum { INPUT_BYTES = FXP_MODEL_INPUT_BYTES, OUTPUT_BYTES = FXP_MODEL_OUTPUT_BYTES };
static fxp_model_arena arena;
#define RUN(input, output) fxp_model_invoke(input, output, &arena, NULL, NULL)
#endif

#include "inputs.h"

enum { WRITE0 = 4, EXIT = 0x18, APPLICATION_EXIT = 0x20026 };

void *memcpy(void *to, const void *from, size_t bytes) {
    uint8_t *out = to;
    for (const uint8_t *in = from; bytes > 0; --bytes) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    for (uint8_t *out = to; bytes > 0; --bytes) {
        *out++ = (uint8_t)value;
    }
    return to;
}

static void semihosting(uint32_t operation, uintptr_t argument) {
    register uint32_t r0 __asm("r0") = operation;
    register uintptr_t r1 __asm("r1") = argument;
    __asm volatile("svc 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(uint8_t code) {
    const char *const digits = "0123456789abcdef";
    const char text[] = {digits[code >> 4], digits[code & 15], '\0'};
    semihosting(WRITE0, (uintptr_t)text);
}

void run(void) {
    int8_t output[OUTPUT_BYTES];
    for (size_t i = 0; i < sizeof inputs; i += INPUT_BYTES) {
        RUN(inputs + i, output);
        for (size_t j = 0; j < sizeof output; ++j) {
            print((uint8_t)output[j]);
        }
        semihosting(WRITE0, (uintptr_t)"\n");
    }
    semihosting(EXIT, APPLICATION_EXIT);
}

__attribute__((naked)) void _start(void) {
    __asm("ldr sp, =0x40400000\n"
          "bl run\n");
}
