/* The stack's high-water mark, found by painting. The stack lies at the bottom of RAM, so that one that
 * grows too far leaves memory and faults instead of overwriting data. */

#ifndef STACK_H
#define STACK_H

#include <stdbool.h>
#include <stddef.h>

/* Paints the unused part, from the stack's end up to the caller's frame. */
void stack_paint(void);

/* Bytes between the stack's start and the deepest word written since stack_paint. */
size_t stack_used_bytes(void);

/* Whether the deepest word of all was written: the true depth is then unknown. */
bool stack_is_exhausted(void);

#endif
