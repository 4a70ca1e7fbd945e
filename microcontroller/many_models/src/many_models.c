#include "many_models.h"

#include "fxp_check_tables.h"

#include <string.h>

enum { PAINT = 0x5A };

struct observation {
    const many_program *program;
    int8_t *codes;
    uint32_t *sums;
};

static void observe(void *context, int layer, const int8_t *output, size_t bytes) {
    const struct observation *const seen = context;
    const fxp_layer_info *const info = &seen->program->layers[layer];
    (void)bytes;
    seen->program->unpack(layer, output, seen->codes);
    const uint32_t count =
        (uint32_t)info->observed_rows * (uint32_t)info->output.width * (uint32_t)info->output.channels;
    seen->sums[layer] = fxp_crc32(seen->sums[layer], seen->codes, count);
}

static void paint(int8_t *memory, size_t bytes, bool guarded) {
    memset(memory, PAINT, bytes + (guarded ? MANY_GUARD_BYTES : 0));
}

static bool is_painted(const int8_t *memory) {
    for (int i = 0; i < MANY_GUARD_BYTES; i++) {
        if (memory[i] != PAINT) {
            return false;
        }
    }
    return true;
}

many_sums many_run(const many_program *program, const int8_t *inputs, const many_memory *memory) {
    many_sums sums = {.whole = true};
    struct observation seen = {program, memory->codes, sums.layers};
    paint(memory->output, program->output_bytes, memory->guarded);
    paint(memory->arena, program->arena_bytes, memory->guarded);
    if (program->init != NULL) {
        paint(memory->state, program->state_bytes, false);
        program->init(memory->state);
    }
    for (uint32_t call = 0; call < program->calls; call++) {
        const int8_t *const input = inputs + (size_t)call * program->input_bytes;
        if (program->step != NULL) {
            program->step(memory->state, input, memory->output, memory->arena);
        } else {
            program->invoke(input, memory->output, memory->arena, observe, &seen);
        }
        sums.output = fxp_crc32(sums.output, memory->output, program->output_bytes);
    }
    if (memory->guarded) {
        sums.whole =
            is_painted(memory->output + program->output_bytes) && is_painted(memory->arena + program->arena_bytes);
    }
    return sums;
}
