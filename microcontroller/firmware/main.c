/* Runs the model over the clips of the mailbox and reports on the UART, one line per event:
 *
 *   FXP board= counter= engine= model= clips=               once, first
 *   CALIBRATION instructions= ticks= region= step_error= layer=   once; ticks are the counter's own
 *   WARMUP instructions=                                    once; not part of the result
 *   CLIP index= class= score= instructions= logits= label=  per inference (the label goes to the end of the line)
 *   LAYER index= instructions= inferences=                  per layer, a sum over a second run of the observed clips
 *   SUMMARY clips= min= max= mean= total= arena= stack=     once
 *   FAULT kind= pc= cfsr= ...                               instead of the rest
 *   END status=                                             always last; see status.h
 */

#include <stdint.h>

#include "board.h"
#include "fault.h"
#include "firmware_config.h"
#include "fxp_model.h"
#include "mailbox.h"
#include "measure.h"
#include "report.h"
#include "stack.h"
#include "status.h"

struct summary {
    uint32_t min;
    uint32_t max;
    uint64_t total;
};

static void report_banner(void) {
    report_text("FXP");
    report_string("board", FIRMWARE_BOARD);
    report_string("counter", FIRMWARE_COUNTER);
    report_string("engine", FIRMWARE_ENGINE);
    report_string("model", FXP_MODEL_SHA256);
    report_unsigned("clips", mailbox()->clips);
    report_end_of_line();
}

static void report_calibration(const struct calibration *calibration) {
    report_text("CALIBRATION");
    counter_report(&calibration->counter);
    report_unsigned("layer", calibration->layer);
    report_end_of_line();
}

/* The first of the largest logits. */
static uint32_t best_class(const int8_t *logits) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < FXP_MODEL_OUTPUT_BYTES; i++) {
        if (logits[i] > logits[best]) {
            best = i;
        }
    }
    return best;
}

static void report_clip(uint32_t index, const int8_t *logits, uint32_t instructions) {
    const uint32_t best = best_class(logits);
    report_text("CLIP");
    report_unsigned("index", index);
    report_unsigned("class", best);
    report_signed("score", logits[best]);
    report_unsigned("instructions", instructions);
    report_bytes("logits", logits, FXP_MODEL_OUTPUT_BYTES);
    report_string("label", fxp_model_labels[best]);
    report_end_of_line();
}

static struct summary run_clips(const struct calibration *calibration, int8_t *logits) {
    struct summary summary = {UINT32_MAX, 0, 0};
    for (uint32_t i = 0; i < mailbox()->clips; i++) {
        const uint32_t instructions = measure_inference(calibration, mailbox_clip(i), logits);
        summary.min = instructions < summary.min ? instructions : summary.min;
        summary.max = instructions > summary.max ? instructions : summary.max;
        summary.total += instructions;
        report_clip(i, logits, instructions);
    }
    return summary;
}

static __attribute__((noinline)) void run_layers(const struct calibration *calibration, int8_t *logits) {
    struct profile profile = {0};
    for (uint32_t i = 0; i < mailbox()->observed; i++) {
        measure_layers(calibration, &profile, mailbox_clip(i), logits);
    }
    for (uint32_t layer = 0; layer < FXP_MODEL_LAYER_COUNT; layer++) {
        report_text("LAYER");
        report_unsigned("index", layer);
        report_unsigned("instructions", profile.layers[layer]);
        report_unsigned("inferences", mailbox()->observed);
        report_end_of_line();
    }
}

static void report_summary(const struct summary *summary, size_t stack_bytes) {
    report_text("SUMMARY");
    report_unsigned("clips", mailbox()->clips);
    report_unsigned("min", summary->min);
    report_unsigned("max", summary->max);
    report_unsigned("mean", summary->total / mailbox()->clips);
    report_unsigned("total", summary->total);
    report_unsigned("arena", FXP_MODEL_ARENA_BYTES);
    report_unsigned("stack", stack_bytes);
    report_end_of_line();
}

int main(void) {
    int8_t logits[FXP_MODEL_OUTPUT_BYTES];

    stack_paint();
    fault_enable();
    board_start();
    if (!mailbox_is_full() || mailbox()->clips == 0 || mailbox()->clip_bytes != FXP_MODEL_INPUT_BYTES) {
        report_end(STATUS_NO_MAILBOX);
    }
    if (!mailbox_image_is_whole()) {
        report_end(STATUS_IMAGE_DAMAGED);
    }
    report_banner();
    const struct calibration calibration = measure_calibrate();
    report_calibration(&calibration);

    report_text("WARMUP");
    report_unsigned("instructions", measure_inference(&calibration, mailbox_clip(0), logits));
    report_end_of_line();

    const struct summary summary = run_clips(&calibration, logits);
    /* Before the layers are observed: the observer is not part of what a product needs. */
    const size_t stack_bytes = stack_used_bytes();
    run_layers(&calibration, logits);
    if (stack_is_exhausted()) {
        report_end(STATUS_STACK_EXHAUSTED);
    }
    report_summary(&summary, stack_bytes);
    report_end(STATUS_OK);
}
