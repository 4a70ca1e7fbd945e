/* Runs an example of a package, whose main is called example_main here, with printf on the board's UART. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "fault.h"
#include "report.h"

enum { HEAP_BYTES = 2048 };

int example_main(void);
int _write(int file, const char *text, int count);
void *_sbrk(ptrdiff_t more);

/* What newlib's printf asks for; newlib itself is not compiled with -flto. */
__attribute__((used)) int _write(int file, const char *text, int count) {
    (void)file;
    for (int i = 0; i < count; i++) {
        board_write(text[i]);
    }
    return count;
}

__attribute__((used)) void *_sbrk(ptrdiff_t more) {
    static _Alignas(8) char heap[HEAP_BYTES];
    static size_t used;
    if (used + (size_t)more > sizeof heap) {
        return (void *)(intptr_t)-1;
    }
    used += (size_t)more;
    return heap + used - (size_t)more;
}

int main(void) {
    fault_enable();
    board_start();
    report_end((uint32_t)example_main());
}
