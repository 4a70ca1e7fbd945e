/*
 * From eight int32 accumulators in two vectors to eight codes, in the low bytes of one vector's halfwords: lane 2 i is
 * lane i of `even`, lane 2 i + 1 is lane i of `odd`. The result is in `even`; no other register is used.
 *
 *                                                             eight codes   sixteen codes
 *     ufit  0 .. 127, what is shifted is less than 32768      3             6
 *     usat  0 .. 2^bits - 1, 1 to 7 bits, shift >= 17 - bits  3             7
 *                                         shift >= 8 - bits   4             7
 *                                         less of a shift     4             8
 *     ssat  -2^(bits - 1) .. 2^(bits - 1) - 1, 8 bits         3             6
 *                                              1 to 7 bits    4             8
 *
 * Sixteen codes are HALVES of eight accumulators, of eight others, and BYTES of both: byte 2 i is lane i of the first
 * ones, byte 2 i + 1 of the others. Two more for every eight and a narrowing shift above 16.
 *
 * The narrowing shift saturates at 16 bits, unsigned. Where a proof says that the result is less than 32768, it is a
 * signed one, too, and saturates again at 127. Else it is less by what remains of 16 or of 8 bits, to saturate there,
 * and what is too much of a code goes with a shift; for little shifts a shift left saturates in between.
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
#define FXP_NARROW_ufit(shift, bits) (shift)
#define FXP_NARROW_usat(shift, bits)                                                                                   \
    ((shift) - ((shift) >= 17 - (bits) ? 16 - (bits) : (shift) >= 8 - (bits) ? 8 - (bits) : 0))
#define FXP_NARROW_ssat(shift, bits) (shift)

/* What ufit clamps to, as fxp_usat and fxp_ssat. */
static inline fxp_requantization fxp_ufit(int32_t shift, int32_t bits) {
    return fxp_usat(shift, bits);
}

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

/* Halfwords that are not yet clamped to `bits`, of one kind of accumulators after the other. */
#define FXP_HELIUM_HALVES_usat(shift, bits, even, odd)                                                                 \
    ".if " #shift " >= (17 - " #bits ")\n"                                                                             \
    FXP_HELIUM_NARROW("u", "(" #shift " - 16 + " #bits ")", even, odd)                                                 \
    ".elseif " #shift " >= (8 - " #bits ")\n"                                                                          \
    FXP_HELIUM_NARROW("u", "(" #shift " - 8 + " #bits ")", even, odd)                                                  \
    ".else\n"                                                                                                          \
    FXP_HELIUM_NARROW("u", #shift, even, odd)                                                                          \
    ".endif\n"
#define FXP_HELIUM_HALVES_ufit(shift, bits, even, odd) FXP_HELIUM_NARROW("u", #shift, even, odd)
#define FXP_HELIUM_HALVES_ssat(shift, bits, even, odd) FXP_HELIUM_NARROW("", #shift, even, odd)

/* Two vectors of them to sixteen codes, in turns, in `even`. */
#define FXP_HELIUM_BYTES_usat(shift, bits, even, odd)                                                                  \
    ".if " #shift " >= (17 - " #bits ")\n"                                                                             \
    "vshrnb.i16 " even ", " even ", #8\n"                                                                              \
    "vshrnt.i16 " even ", " odd ", #8\n"                                                                               \
    ".else\n"                                                                                                          \
    "vqmovnb.u16 " even ", " even "\n"                                                                                 \
    "vqmovnt.u16 " even ", " odd "\n"                                                                                  \
    ".if " #shift " < (8 - " #bits ")\n"                                                                               \
    "vqshl.u8 " even ", " even ", #8 - " #bits "\n"                                                                    \
    ".endif\n"                                                                                                         \
    ".endif\n"                                                                                                         \
    "vshr.u8 " even ", " even ", #8 - " #bits "\n"
#define FXP_HELIUM_BYTES_ufit(shift, bits, even, odd)                                                                  \
    "vqmovnb.s16 " even ", " even "\n"                                                                                 \
    "vqmovnt.s16 " even ", " odd "\n"
#define FXP_HELIUM_BYTES_ssat(shift, bits, even, odd)                                                                  \
    "vqmovnb.s16 " even ", " even "\n"                                                                                 \
    "vqmovnt.s16 " even ", " odd "\n"                                                                                  \
    ".if " #bits " < 8\n"                                                                                              \
    "vqshl.s8 " even ", " even ", #8 - " #bits "\n"                                                                    \
    "vshr.s8 " even ", " even ", #8 - " #bits "\n"                                                                     \
    ".endif\n"

/* Eight codes. */
#define FXP_HELIUM_usat(shift, bits, even, odd)                                                                        \
    FXP_HELIUM_HALVES_usat(shift, bits, even, odd)                                                                     \
    ".if " #shift " >= (17 - " #bits ")\n"                                                                             \
    "vshr.u16 " even ", " even ", #16 - " #bits "\n"                                                                   \
    ".elseif " #shift " >= (8 - " #bits ")\n"                                                                          \
    "vqmovnb.u16 " even ", " even "\n"                                                                                 \
    "vshr.u8 " even ", " even ", #8 - " #bits "\n"                                                                     \
    ".else\n"                                                                                                          \
    "vqshl.u16 " even ", " even ", #16 - " #bits "\n"                                                                  \
    "vshr.u16 " even ", " even ", #16 - " #bits "\n"                                                                   \
    ".endif\n"

#define FXP_HELIUM_ufit(shift, bits, even, odd)                                                                        \
    FXP_HELIUM_HALVES_ufit(shift, bits, even, odd)                                                                     \
    "vqmovnb.s16 " even ", " even "\n"

#define FXP_HELIUM_ssat(shift, bits, even, odd)                                                                        \
    FXP_HELIUM_HALVES_ssat(shift, bits, even, odd)                                                                     \
    ".if " #bits " == 8\n"                                                                                             \
    "vqmovnb.s16 " even ", " even "\n"                                                                                 \
    ".else\n"                                                                                                          \
    "vqshl.s16 " even ", " even ", #16 - " #bits "\n"                                                                  \
    "vshr.s16 " even ", " even ", #16 - " #bits "\n"                                                                   \
    ".endif\n"
// clang-format on

#endif
