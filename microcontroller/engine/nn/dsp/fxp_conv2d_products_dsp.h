/*
 * What the inner loops of convolutions in lanes have in common: all products of a step, for two channels.
 *
 * r0 panel, r1 weights, low0 high0 accumulator of c0, low1 high1 of c1, r6 to r9 input, r10 r11 r12 lr weights; 32
 * products in 11 instructions. Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_PRODUCTS_DSP_H
#define FXP_CONV2D_PRODUCTS_DSP_H

// clang-format off: one instruction per line
#define FXP_CONV2D_PRODUCTS_DSP(low0, high0, low1, high1, products)                                                    \
    ".rept " #products " / 4\n"                                                                                        \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlal " low0 ", " high0 ", r6, r10\n"                                                                             \
    "smlal " low1 ", " high1 ", r6, r11\n"                                                                             \
    "smlal " low0 ", " high0 ", r7, r12\n"                                                                             \
    "smlal " low1 ", " high1 ", r7, lr\n"                                                                              \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlal " low0 ", " high0 ", r8, r10\n"                                                                             \
    "smlal " low1 ", " high1 ", r8, r11\n"                                                                             \
    "smlal " low0 ", " high0 ", r9, r12\n"                                                                             \
    "smlal " low1 ", " high1 ", r9, lr\n"                                                                              \
    ".endr\n"
// clang-format on

#endif
