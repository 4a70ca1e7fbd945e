/*
 * The last rows of a stream to the front of their memory.
 *
 * input   { new_bytes that nobody needs any more | kept_bytes }
 * output  { kept_bytes | room for new_bytes }, in place; it goes upwards, as what is moved may overlap where it goes
 */
#include "nn/stream/fxp_stream.h"

enum { WORD = 4 };

/* So many times. */
#define MOVE_EIGHT_WORDS(times)                                                                                        \
    __asm volatile(".rept " #times "\n"                                                                                \
                   "ldm %0!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"                                                    \
                   "stm %1!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"                                                    \
                   ".endr\n"                                                                                           \
                   : "+r"(from), "+r"(to)                                                                              \
                   :                                                                                                   \
                   : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory")

static void move_words(fxp_word *to, const fxp_word *from, size_t words) {
    size_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    for (; i + 32 <= words; i += 32) {
        MOVE_EIGHT_WORDS(4);
    }
    for (; i + 8 <= words; i += 8) {
        MOVE_EIGHT_WORDS(1);
    }
#endif
    for (; i < words; ++i) {
        *to++ = *from++;
    }
}

void fxp_keep_rows(void *rows, size_t kept_bytes, size_t new_bytes) {
    if (kept_bytes % WORD == 0 && new_bytes % WORD == 0) {
        fxp_word *const words = rows;
        move_words(words, words + new_bytes / WORD, kept_bytes / WORD);
        return;
    }
    int8_t *to = rows;
    const int8_t *const end = to + kept_bytes;
    while (to < end) {
        *to = to[new_bytes];
        ++to;
    }
}
