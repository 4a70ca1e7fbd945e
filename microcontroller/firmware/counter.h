/* The board's counter as instructions, and the proof that it counts them. */

#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

struct counter_check {
    uint32_t instructions; /* executed by a loop of known length */
    uint32_t ticks;        /* of the counter, for it */
    uint32_t region;       /* instructions counted for an empty region; to be taken off every count */
    uint32_t step_error;   /* largest error of the count of a single turn of a loop */
};

struct counter_check counter_check(void);

/* Adds the check's values to a line of the report. */
void counter_report(const struct counter_check *check);

/* Instructions between two readings of the counter. */
uint32_t counter_instructions(uint32_t start, uint32_t end);

#endif
