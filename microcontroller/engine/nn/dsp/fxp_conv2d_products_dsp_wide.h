/*
 * What the wide loops of convolutions in lanes have in common: all products of two steps, for two channels.
 *
 * A step sums X[m][t] W[m][t], where m is a tap pair and t a tap of it; the next step's X[m] is this one's X[m + 1]. So
 * two steps share every word of weights and nearly every word of codes:
 *
 *     X[0] X[1] W W    4 LDR    5 cycles       4 SMLAL:  X[0] W, X[1] W
 *     X[2] W W         3 LDR    4              4 SMLAL:  X[1] W, X[2] W
 *     ..
 *
 * 25 cycles for 12 SMLAL of a tap with three tap pairs; one step alone takes 34.5.
 *
 * `first` is SMLAL, or SMULL where the second step's accumulators begin with products.
 *
 * r0 panel, r1 weights, whose products begin `from` bytes behind it; r2 r3 and r4 r5 are accumulators of c0 and c1 of
 * the first step, r6 r7 and r8 r9 of the second one; r10 r11 codes, r12 lr weights. Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_PRODUCTS_DSP_WIDE_H
#define FXP_CONV2D_PRODUCTS_DSP_WIDE_H

// clang-format off: one instruction per line
#define FXP_CONV2D_PRODUCTS_DSP_WIDE(first, taps, products, from)                                                      \
    ".set fxp_t, 0\n"                                                                                                  \
    ".rept " #taps "\n"                                                                                                \
    ".set fxp_m, 0\n"                                                                                                  \
    ".rept " #products " / " #taps "\n"                                                                                \
    ".set fxp_w, 8 * (fxp_m * " #taps " + fxp_t) + " #from "\n"                                                        \
    ".if fxp_m == 0\n"                                                                                                 \
    "ldr r10, [r0, #4 * fxp_t]\n"                                                                                      \
    ".endif\n"                                                                                                         \
    ".if fxp_m & 1\n"                                                                                                  \
    "ldr r10, [r0, #4 * ((fxp_m + 1) * " #taps " + fxp_t)]\n"                                                          \
    ".else\n"                                                                                                          \
    "ldr r11, [r0, #4 * ((fxp_m + 1) * " #taps " + fxp_t)]\n"                                                          \
    ".endif\n"                                                                                                         \
    "ldr r12, [r1, #fxp_w]\n"                                                                                          \
    "ldr lr, [r1, #fxp_w + 4]\n"                                                                                       \
    ".if fxp_m & 1\n"                                                                                                  \
    "smlal r2, r3, r11, r12\n"                                                                                         \
    "smlal r4, r5, r11, lr\n"                                                                                          \
    "smlal r6, r7, r10, r12\n"                                                                                         \
    "smlal r8, r9, r10, lr\n"                                                                                          \
    ".else\n"                                                                                                          \
    "smlal r2, r3, r10, r12\n"                                                                                         \
    "smlal r4, r5, r10, lr\n"                                                                                          \
    ".if fxp_m + fxp_t == 0\n"                                                                                         \
    first " r6, r7, r11, r12\n"                                                                                        \
    first " r8, r9, r11, lr\n"                                                                                         \
    ".else\n"                                                                                                          \
    "smlal r6, r7, r11, r12\n"                                                                                         \
    "smlal r8, r9, r11, lr\n"                                                                                          \
    ".endif\n"                                                                                                         \
    ".endif\n"                                                                                                         \
    ".set fxp_m, fxp_m + 1\n"                                                                                          \
    ".endr\n"                                                                                                          \
    ".set fxp_t, fxp_t + 1\n"                                                                                          \
    ".endr\n"

/* The same for one step, in r2 to r5. */
#define FXP_CONV2D_PRODUCTS_DSP_STEP(products, from)                                                                   \
    ".set fxp_t, 0\n"                                                                                                  \
    ".rept " #products "\n"                                                                                            \
    ".if fxp_t % 2 == 0\n"                                                                                             \
    "ldr r10, [r0, #4 * fxp_t]\n"                                                                                      \
    ".if fxp_t + 1 < " #products "\n"                                                                                  \
    "ldr r11, [r0, #4 * fxp_t + 4]\n"                                                                                  \
    ".endif\n"                                                                                                         \
    "ldr r12, [r1, #8 * fxp_t + " #from "]\n"                                                                          \
    "ldr lr, [r1, #8 * fxp_t + " #from " + 4]\n"                                                                       \
    ".if fxp_t + 1 < " #products "\n"                                                                                  \
    "ldr r6, [r1, #8 * fxp_t + " #from " + 8]\n"                                                                       \
    "ldr r8, [r1, #8 * fxp_t + " #from " + 12]\n"                                                                      \
    ".endif\n"                                                                                                         \
    "smlal r2, r3, r10, r12\n"                                                                                         \
    "smlal r4, r5, r10, lr\n"                                                                                          \
    ".else\n"                                                                                                          \
    "smlal r2, r3, r11, r6\n"                                                                                          \
    "smlal r4, r5, r11, r8\n"                                                                                          \
    ".endif\n"                                                                                                         \
    ".set fxp_t, fxp_t + 1\n"                                                                                          \
    ".endr\n"
// clang-format on

#endif
