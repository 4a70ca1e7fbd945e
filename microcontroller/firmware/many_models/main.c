/* Runs every program of the table on the inputs of the mailbox, one behind the other, and reports on the UART:
 *
 *   FXP board= programs=                            once, first
 *   PROGRAM index= layer= layer= ... output= whole= per program: checksums of its layers' codes and of its logits, and
 *                                                   whether memory behind output and arena is what it was
 *   FAULT kind= pc= cfsr= ...                       instead of the rest
 *   END status=                                     always last; see status.h
 */

#include "board.h"
#include "fault.h"
#include "firmware_config.h"
#include "mailbox.h"
#include "many_models.h"
#include "many_models_memory.h"
#include "report.h"
#include "stack.h"
#include "status.h"

static void report_sums(uint32_t index, const many_program *program, const many_sums *sums) {
    report_text("PROGRAM");
    report_unsigned("index", index);
    for (uint32_t layer = 0; layer < program->layer_count; layer++) {
        report_hex("layer", sums->layers[layer]);
    }
    report_hex("output", sums->output);
    report_unsigned("whole", sums->whole);
    report_end_of_line();
}

static uint32_t input_bytes(void) {
    uint32_t bytes = 0;
    for (uint32_t index = 0; index < many_program_count; index++) {
        bytes += many_programs[index]->calls * many_programs[index]->input_bytes;
    }
    return bytes;
}

int main(void) {
    stack_paint();
    fault_enable();
    board_start();
    if (!mailbox_is_full() || mailbox()->clip_bytes != 1 || mailbox()->clips != input_bytes()) {
        report_end(STATUS_NO_MAILBOX);
    }
    if (!mailbox_image_is_whole()) {
        report_end(STATUS_IMAGE_DAMAGED);
    }
    report_text("FXP");
    report_string("board", FIRMWARE_BOARD);
    report_unsigned("programs", many_program_count);
    report_end_of_line();

    const many_memory memory = {many_output, many_arena, many_state, many_codes, true};
    const int8_t *inputs = mailbox_clip(0);
    for (uint32_t index = 0; index < many_program_count; index++) {
        const many_program *const program = many_programs[index];
        const many_sums sums = many_run(program, inputs, &memory);
        report_sums(index, program, &sums);
        inputs += program->calls * program->input_bytes;
    }
    report_end(stack_is_exhausted() ? STATUS_STACK_EXHAUSTED : STATUS_OK);
}
