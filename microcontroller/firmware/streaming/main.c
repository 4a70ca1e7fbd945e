/* Plays the recording of the mailbox, whose clips are hops of int16 samples, through front end, streaming network and
 * detector, and reports on the UART, one line per event:
 *
 *   FXP board= counter= engine= model= frontend= hops=   once, first; model and frontend are hashes
 *   CALIBRATION instructions= ticks= region= step_error= once; ticks are the counter's own
 *   STEP index= class= logits= label=                    per row of logits; class -1 and no label without a detection
 *   PART name= calls= instructions= most=                per part: calls, their sum, and the largest of them
 *   MEMORY frontend= network= detector= scratch= frames= stack=   bytes, once
 *   FAULT kind= pc= cfsr= ...                            instead of the rest
 *   END status=                                          always last; see status.h
 */

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "counter.h"
#include "fault.h"
#include "firmware_config.h"
#include "fxp_detector.h"
#include "fxp_frontend.h"
#include "fxp_stream_model.h"
#include "mailbox.h"
#include "report.h"
#include "stack.h"
#include "status.h"

_Static_assert(FXP_STREAM_FRAME_BYTES == FXP_FRONTEND_COEFFICIENTS, "the network takes other frames");
_Static_assert(FXP_STREAM_LABELS == FXP_DETECTOR_CLASSES, "the detector takes other logits");

enum { HOP_BYTES = FXP_FRONTEND_HOP_SAMPLES * sizeof(int16_t) };

/* All that a product keeps from hop to hop, and what a hop or a step needs while it lasts: never both at once. */
static struct {
    fxp_frontend frontend;
    fxp_stream_state network;
    fxp_detector detector;
    int8_t frames[FXP_STREAM_FRAMES][FXP_STREAM_FRAME_BYTES];
    union {
        fxp_frontend_scratch frontend;
        fxp_stream_arena network;
    } scratch;
} memory __attribute__((section(".arena")));

struct part {
    const char *name;
    uint32_t calls;
    uint32_t most;
    uint64_t instructions;
};

static struct part frontend = {.name = "frontend"};
static struct part network = {.name = "network"};
static struct part detector = {.name = "detector"};

static void add(struct part *part, uint32_t instructions) {
    part->calls++;
    part->most = instructions > part->most ? instructions : part->most;
    part->instructions += instructions;
}

static void report_banner(void) {
    report_text("FXP");
    report_string("board", FIRMWARE_BOARD);
    report_string("counter", FIRMWARE_COUNTER);
    report_string("engine", FIRMWARE_ENGINE);
    report_string("model", FXP_STREAM_SHA256);
    report_string("frontend", FXP_FRONTEND_CONFIG_SHA256);
    report_unsigned("hops", mailbox()->clips);
    report_end_of_line();
}

static void report_step(uint32_t index, int32_t class, const int8_t *logits) {
    report_text("STEP");
    report_unsigned("index", index);
    report_signed("class", class);
    report_bytes("logits", logits, FXP_STREAM_LABELS);
    if (class != FXP_DETECTOR_NONE) {
        report_string("label", fxp_stream_labels[class]);
    }
    report_end_of_line();
}

static void report_part(const struct part *part) {
    report_text("PART");
    report_string("name", part->name);
    report_unsigned("calls", part->calls);
    report_unsigned("instructions", part->instructions);
    report_unsigned("most", part->most);
    report_end_of_line();
}

static void report_memory(size_t stack_bytes) {
    report_text("MEMORY");
    report_unsigned("frontend", sizeof memory.frontend);
    report_unsigned("network", sizeof memory.network);
    report_unsigned("detector", sizeof memory.detector);
    report_unsigned("scratch", sizeof memory.scratch);
    report_unsigned("frames", sizeof memory.frames);
    report_unsigned("stack", stack_bytes);
    report_end_of_line();
}

/* One hop, with the copy of its frame to where the network takes it from. */
static void run_frontend(uint32_t region, const int16_t *samples, int8_t *frame) {
    const uint32_t start = board_ticks();
    memcpy(frame, fxp_frontend_hop(&memory.frontend, samples, &memory.scratch.frontend), FXP_STREAM_FRAME_BYTES);
    add(&frontend, counter_instructions(start, board_ticks()) - region);
}

static void run_network(uint32_t region, int8_t *logits) {
    const uint32_t start = board_ticks();
    fxp_stream_step(&memory.network, memory.frames[0], logits, memory.scratch.network.bytes);
    add(&network, counter_instructions(start, board_ticks()) - region);
}

static int32_t run_detector(uint32_t region, const int8_t *logits) {
    const uint32_t start = board_ticks();
    const int32_t class = fxp_detector_step(&memory.detector, logits);
    add(&detector, counter_instructions(start, board_ticks()) - region);
    return class;
}

/* Takes hop after hop; a row of logits whenever the network has its frames. */
static void play(uint32_t region) {
    int8_t logits[FXP_STREAM_STEPS][FXP_STREAM_LABELS];
    uint32_t waiting = 0;
    for (uint32_t hop = 0; hop < mailbox()->clips; hop++) {
        run_frontend(region, (const int16_t *)(const void *)mailbox_clip(hop), memory.frames[waiting]);
        waiting++;
        if (waiting < FXP_STREAM_FRAMES) {
            continue;
        }
        waiting = 0;
        run_network(region, logits[0]);
        for (uint32_t row = 0; row < FXP_STREAM_STEPS; row++) {
            const int32_t class = run_detector(region, logits[row]);
            report_step(detector.calls - 1, class, logits[row]);
        }
    }
}

int main(void) {
    stack_paint();
    fault_enable();
    board_start();
    if (!mailbox_is_full() || mailbox()->clips == 0 || mailbox()->clip_bytes != HOP_BYTES) {
        report_end(STATUS_NO_MAILBOX);
    }
    if (!mailbox_image_is_whole()) {
        report_end(STATUS_IMAGE_DAMAGED);
    }
    report_banner();
    const struct counter_check check = counter_check();
    report_text("CALIBRATION");
    counter_report(&check);
    report_end_of_line();

    fxp_frontend_init(&memory.frontend);
    fxp_stream_init(&memory.network);
    fxp_detector_init(&memory.detector);
    play(check.region);

    if (stack_is_exhausted()) {
        report_end(STATUS_STACK_EXHAUSTED);
    }
    report_part(&frontend);
    report_part(&network);
    report_part(&detector);
    report_memory(stack_used_bytes());
    report_end(STATUS_OK);
}
