/*
 * From eight int32 accumulators in two vectors to eight codes, in the low bytes of one vector's halfwords: lane 2 i is
 * lane i of `even`, lane 2 i + 1 is lane i of `odd`. The result is in `even`; no other register is used.
 *
 *     usat  0 .. 2^bits - 1, bits 1 to 7       3 instructions where shift >= 17 - bits, else 4
 *     ssat  -2^(bits - 1) .. 2^(bits - 1) - 1  3 for 8 bits, else 4
 *
 * Two more for a narrowing shift above 16. It saturates at 16 bits; a shift left that saturates and a shift back clamp
 * at fewer. Where there is room, the narrowing shift does what the shift left would.
 *
 * The narrowing shift rounds half up, so accumulators have to be less by 2^(narrowing shift - 1) than what they are
 * where the shift rounds down and the half is in the bias: often the bias is then as it is. (The forms that round down
 * would not do: GNU as 2.40 gives them the encoding of those that round.)
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_REQUANTIZE_HELIUM_H
#define FXP_REQUANTIZE_HELIUM_H

#include "nn/dsp/fxp_words.h"

/* The narrowing shift. */
#define FXP_NARROW_usat(shift, bits) ((shift) >= 17 - (bits) ? (shift) - 16 + (bits) : (shift))
#define FXP_NARROW_ssat(shift, bits) (shift)

/* One lane. */
static inline int8_t fxp_requantize_helium(int32_t sum, int32_t narrow, fxp_requantization to) {
    return fxp_requantize(sum + ((1 << narrow) >> 1), to);
}

// clang-format off: one instruction per line
#define FXP_HELIUM_NARROW(unsigned_, shift, even, odd)                                                                 \
    ".if " shift " == 0\n"                                                                                             \
    "vqmov" unsigned_ "nb.s32 " even ", " even "\n"                                                                    \
    "vqmov" unsigned_ "nt.s32 " even ", " odd "\n"                                                                     \
    ".elseif " shift " <= 16\n"                                                                                        \
    "vqrshr" unsigned_ "nb.s32 " even ", " even ", #" shift "\n"                                                       \
    "vqrshr" unsigned_ "nt.s32 " even ", " odd ", #" shift "\n"                                                        \
    ".else\n"                                                                                                          \
    "vshr.s32 " even ", " even ", #" shift " - 16\n"                                                                   \
    "vshr.s32 " odd ", " odd ", #" shift " - 16\n"                                                                     \
    "vqrshr" unsigned_ "nb.s32 " even ", " even ", #16\n"                                                              \
    "vqrshr" unsigned_ "nt.s32 " even ", " odd ", #16\n"                                                               \
    ".endif\n"

#define FXP_HELIUM_usat(shift, bits, even, odd)                                                                        \
    ".if " #shift " >= (17 - " #bits ")\n"                                                                             \
    FXP_HELIUM_NARROW("u", "(" #shift " - 16 + " #bits ")", even, odd)                                                 \
    ".else\n"                                                                                                          \
    FXP_HELIUM_NARROW("u", #shift, even, odd)                                                                          \
    "vqshl.u16 " even ", " even ", #16 - " #bits "\n"                                                                  \
    ".endif\n"                                                                                                         \
    "vshr.u16 " even ", " even ", #16 - " #bits "\n"

#define FXP_HELIUM_ssat(shift, bits, even, odd)                                                                        \
    FXP_HELIUM_NARROW("", #shift, even, odd)                                                                           \
    ".if " #bits " == 8\n"                                                                                             \
    "vqmovnb.s16 " even ", " even "\n"                                                                                 \
    ".else\n"                                                                                                          \
    "vqshl.s16 " even ", " even ", #16 - " #bits "\n"                                                                  \
    "vshr.s16 " even ", " even ", #16 - " #bits "\n"                                                                   \
    ".endif\n"
// clang-format on

#endif
