/* Runs the programs of the table from the given one on, each on its inputs of a file, and prints a line for each.
 *
 * Memory is what a program asks for, to the byte, so that a sanitizer sees what is read or written beside it. */
#define _POSIX_C_SOURCE 200112L

#include "many_models.h"

#include <stdio.h>
#include <stdlib.h>

static int8_t *aligned(size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, FXP_ALIGNMENT, bytes == 0 ? 1 : bytes) != 0) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void print_sums(uint32_t index, const many_program *program, const many_sums *sums) {
    printf("PROGRAM index=%lu", (unsigned long)index);
    for (uint32_t layer = 0; layer < program->layer_count; layer++) {
        printf(" layer=0x%08lx", (unsigned long)sums->layers[layer]);
    }
    printf(" output=0x%08lx whole=%d\n", (unsigned long)sums->output, (int)sums->whole);
    fflush(stdout);
}

static int run(uint32_t index, const many_program *program, FILE *file) {
    const size_t bytes = (size_t)program->calls * program->input_bytes;
    int8_t *const inputs = aligned(bytes);
    const int whole = fread(inputs, 1, bytes, file) == bytes;
    if (whole) {
        const many_memory memory = {
            .output = aligned(program->output_bytes),
            .arena = aligned(program->arena_bytes),
            .state = aligned(program->state_bytes),
            .codes = aligned(program->codes_bytes),
        };
        const many_sums sums = many_run(program, inputs, &memory);
        print_sums(index, program, &sums);
        free(memory.output);
        free(memory.arena);
        free(memory.state);
        free(memory.codes);
    }
    free(inputs);
    return whole;
}

/* Inputs of the programs before this one are left out. */
static int skip(const many_program *program, FILE *file) {
    return fseek(file, (long)program->calls * (long)program->input_bytes, SEEK_CUR) == 0;
}

int main(int count, char **arguments) {
    FILE *const file = count == 3 ? fopen(arguments[1], "rb") : NULL;
    const uint32_t first = count == 3 ? (uint32_t)strtoul(arguments[2], NULL, 10) : 0;
    int whole = file != NULL;
    for (uint32_t index = 0; whole && index < many_program_count; index++) {
        const many_program *const program = many_programs[index];
        whole = index < first ? skip(program, file) : run(index, program, file);
    }
    if (file == NULL || fclose(file) != 0 || !whole) {
        fputs("usage: many_models INPUTS FIRST\n", stderr);
        return 1;
    }
    return 0;
}
