#include "stack.h"

#include <stdint.h>

#include "core.h"

static const uint32_t paint = 0xfacade01u;

extern uint32_t link_stack_limit[];
extern uint32_t link_stack_top[];

void stack_paint(void) {
    const uintptr_t pointer = core_stack_pointer();
    /* Volatile: a call to memset would use the very stack that is being painted. */
    for (volatile uint32_t *word = link_stack_limit; (uintptr_t)word < pointer; word++) {
        *word = paint;
    }
}

static const uint32_t *deepest(void) {
    const uint32_t *word = link_stack_limit;
    while (word < link_stack_top && *word == paint) {
        word++;
    }
    return word;
}

size_t stack_used_bytes(void) {
    return (size_t)((uintptr_t)link_stack_top - (uintptr_t)deepest());
}

bool stack_is_exhausted(void) {
    return deepest() == link_stack_limit;
}
