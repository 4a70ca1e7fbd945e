/*
 * fxp_depthwise_loop_row_pairs_dsp_lanes.h with three LDR in a row where a column is inside: four cycles, where LDR and
 * LDRD take five. Otherwise it is that loop, with the same arguments and limits.
 *
 * FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, row_pairs, lead, last, width, position_bytes, flip, code_bit,
 * code_at, bits, unrolled)
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H
#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H

#include "nn/four_bit/fxp_depthwise_loop_row_pairs_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
#define FXP_LANE_INSIDE_WIDE(low, high)                                                                                \
    "ldr r2, [r0, #fxp_x]\n"                                                                                           \
    "ldr r3, [r0, #fxp_x + 4]\n"                                                                                       \
    "ldr r12, [r0, #fxp_x + 8]\n"                                                                                      \
    FXP_LANE_PRODUCTS("r2", "r4", "r7", low, high, "r10")                                                              \
    FXP_LANE_PRODUCTS("r3", "r5", "r8", low, high, high)                                                               \
    FXP_LANE_PRODUCTS("r12", "r6", "r9", low, high, high)

#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE(                                                                   \
    name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                        \
)                                                                                                                      \
    FXP_DEPTHWISE_LANES_FUNCTION(                                                                                      \
        FXP_LANE_INSIDE_WIDE, name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, \
        unrolled \
    )
// clang-format on

#else

#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_WIDE(                                                                   \
    name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                        \
)                                                                                                                      \
    FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES(                                                                            \
        name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                    \
    )

#endif

#endif
