/* Tests the tables of a bundle's C and reports on the UART, one line per event:
 *
 *   FXP board= counter= engine= model=                   once, first
 *   CALIBRATION instructions= ticks= region= step_error= once; ticks are the counter's own
 *   WHOLE instructions=                                  every table is what was written
 *   DAMAGED table= bytes=                                instead: the first table that is not, and its size
 *   FAULT kind= pc= cfsr= ...                            instead: a flipped bit led out of memory
 *   END status=                                          always last; see status.h
 */

#include <stdint.h>

#include "board.h"
#include "counter.h"
#include "fault.h"
#include "firmware_config.h"
#include "fxp_check_tables.h"
#include "fxp_model.h"
#include "report.h"
#include "stack.h"
#include "status.h"

static void report_banner(void) {
    report_text("FXP");
    report_string("board", FIRMWARE_BOARD);
    report_string("counter", FIRMWARE_COUNTER);
    report_string("engine", FIRMWARE_ENGINE);
    report_string("model", FXP_MODEL_SHA256);
    report_end_of_line();
}

static struct counter_check report_calibration(void) {
    const struct counter_check check = counter_check();
    report_text("CALIBRATION");
    counter_report(&check);
    report_end_of_line();
    return check;
}

static const fxp_checked_table *first_damaged(void) {
    const fxp_checked_table *damaged = fxp_model_self_test();
#ifdef FIRMWARE_HEARS_STREAMS
    damaged = damaged != NULL ? damaged : fxp_kws_self_test();
#endif
    return damaged;
}

int main(void) {
    stack_paint();
    fault_enable();
    board_start();
    report_banner();
    const struct counter_check check = report_calibration();
    const uint32_t start = board_ticks();
    const fxp_checked_table *const damaged = first_damaged();
    const uint32_t instructions = counter_instructions(start, board_ticks()) - check.region;
    if (damaged != NULL) {
        report_text("DAMAGED");
        report_hex("table", (uint32_t)(uintptr_t)damaged->bytes);
        report_unsigned("bytes", damaged->size);
        report_end_of_line();
        report_end(STATUS_TABLES_DAMAGED);
    }
    report_text("WHOLE");
    report_unsigned("instructions", instructions);
    report_end_of_line();
    report_end(STATUS_OK);
}
