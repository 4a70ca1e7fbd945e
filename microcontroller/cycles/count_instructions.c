/* A QEMU plugin: how often every instruction of an inference ran, and how often it was left by a jump.
 *
 * Arguments: out=FILE code=START-END harness=START-END entry=ADDRESS observer=ADDRESS (hexadecimal, without 0x)
 *
 * An inference begins at `entry` and ends when execution comes back to the harness's code. In between, a call of the
 * observer, which is the harness's, ends a segment: one segment per layer, and a last one for what follows. The
 * harness's own instructions are not counted.
 *
 * FILE receives a line per instruction that ran in a segment, in order of address:
 *
 *   inference segment address executed left jumped
 *
 * executed  how often it ran (an instruction that its condition skips in an IT block ran, too)
 * left      after how many of them another instruction ran than the one behind it in memory
 * jumped    before how many of them another instruction ran than the one ahead of it in memory
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

enum { CODE_BYTES_MAX = 1 << 20, HALFWORD = 2 };

struct range {
    uint64_t start;
    uint64_t end;
};

struct site {
    uint64_t executed;
    uint64_t left;
    uint64_t jumped;
    size_t halfwords;
    bool is_harness;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

static FILE *out;
static struct range code;
static struct range harness;
static struct site sites[CODE_BYTES_MAX / HALFWORD];
static const struct site *entry;
static const struct site *observer;
static struct site *previous; /* the last instruction that counted, if nothing else ran since */
static bool running;          /* between an inference's first instruction and its return */
static bool observing;        /* between a call of the observer and its return */
static unsigned inference;
static unsigned segment;

static void end_segment(void) {
    const size_t count = (size_t)((code.end - code.start) / HALFWORD);
    if (previous != NULL) {
        previous->left++;
        previous = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct site *const site = &sites[i];
        if (site->executed > 0) {
            fprintf(out, "%u %u %" PRIx64, inference, segment, code.start + i * HALFWORD);
            fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", site->executed, site->left, site->jumped);
            site->executed = site->left = site->jumped = 0;
        }
    }
    fflush(out); /* QEMU is killed in the end */
    segment++;
}

static void on_harness(const struct site *site) {
    if (!running || observing) {
        return;
    }
    end_segment();
    observing = site == observer;
    if (!observing) {
        running = false;
        inference++;
    }
}

static void on_executed(unsigned cpu, void *data) {
    struct site *const site = data;
    (void)cpu;
    if (site->is_harness) {
        on_harness(site);
        return;
    }
    if (!running) {
        if (site != entry) {
            return;
        }
        running = true;
        segment = 0;
    }
    observing = false;
    site->executed++;
    if (previous == NULL) {
        site->jumped++;
    } else if (previous + previous->halfwords != site) {
        previous->left++;
        site->jumped++;
    }
    previous = site;
}

static void on_translated(uint64_t id, struct qemu_plugin_tb *block) {
    const size_t count = qemu_plugin_tb_n_insns(block);
    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *const instruction = qemu_plugin_tb_get_insn(block, i);
        const uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (address >= code.start && address < code.end) {
            struct site *const site = &sites[(address - code.start) / HALFWORD];
            site->halfwords = qemu_plugin_insn_size(instruction) / HALFWORD;
            site->is_harness = address >= harness.start && address < harness.end;
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_executed, QEMU_PLUGIN_CB_NO_REGS, site);
        }
    }
}

/* The value of an argument, or NULL. */
static const char *value_of(int argc, char **argv, const char *name) {
    const size_t length = strlen(name);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') {
            return argv[i] + length + 1;
        }
    }
    return NULL;
}

static bool read_range(const char *text, struct range *range) {
    return text != NULL && sscanf(text, "%" SCNx64 "-%" SCNx64, &range->start, &range->end) == 2 &&
           range->start < range->end;
}

static bool read_site(const char *text, const struct site **site) {
    uint64_t address;
    if (text == NULL || sscanf(text, "%" SCNx64, &address) != 1 || address < code.start || address >= code.end) {
        return false;
    }
    *site = &sites[(address - code.start) / HALFWORD];
    return true;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv) {
    const char *const path = value_of(argc, argv, "out");
    (void)info;
    if (!read_range(value_of(argc, argv, "code"), &code) || code.end - code.start > CODE_BYTES_MAX ||
        !read_range(value_of(argc, argv, "harness"), &harness) || !read_site(value_of(argc, argv, "entry"), &entry) ||
        !read_site(value_of(argc, argv, "observer"), &observer)) {
        fprintf(stderr, "count_instructions: code, harness, entry or observer is missing or wrong\n");
        return -1;
    }
    out = path == NULL ? NULL : fopen(path, "w");
    if (out == NULL) {
        fprintf(stderr, "count_instructions: can't write out=%s\n", path == NULL ? "" : path);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
