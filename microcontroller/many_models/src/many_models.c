#include "many_models.h"

#include <string.h>

enum { PAINT = 0x5A };

struct observation {
    const many_program *program;
    int8_t *codes;
    uint32_t *sums;
};

/* The CRC-32 of zlib, four bits at a time; `sum` is that of what came before, 0 at first. */
static uint32_t crc32(uint32_t sum, const int8_t *bytes, size_t count) {
    static const uint32_t table[16] = {
        0x00000000u,
        0x1db71064u,
        0x3b6e20c8u,
        0x26d930acu,
        0x76dc4190u,
        0x6b6b51f4u,
        0x4db26158u,
        0x5005713cu,
        0xedb88320u,
        0xf00f9344u,
        0xd6d6a3e8u,
        0xcb61b38cu,
        0x9b64c2b0u,
        0x86d3d2d4u,
        0xa00ae278u,
        0xbdbdf21cu,
    };
    sum = ~sum;
    for (size_t i = 0; i < count; i++) {
        sum ^= (uint8_t)bytes[i];
        sum = (sum >> 4) ^ table[sum & 15u];
        sum = (sum >> 4) ^ table[sum & 15u];
    }
    return ~sum;
}

static void observe(void *context, int layer, const int8_t *output, size_t bytes) {
    const struct observation *const seen = context;
    const fxp_shape shape = seen->program->layers[layer].output;
    (void)bytes;
    seen->program->unpack(layer, output, seen->codes);
    const size_t count = (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
    seen->sums[layer] = crc32(seen->sums[layer], seen->codes, count);
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
        sums.output = crc32(sums.output, memory->output, program->output_bytes);
    }
    if (memory->guarded) {
        sums.whole =
            is_painted(memory->output + program->output_bytes) && is_painted(memory->arena + program->arena_bytes);
    }
    return sums;
}
