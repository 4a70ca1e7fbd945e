/*
 * The inner loop of a depthwise 3x3 convolution with stride 1 and padding 1: channel by channel, down one column, two
 * rows a step, as a product of polynomials in z = 2^16.
 *
 *     X = x0 + x1 z                 rows y and y + 1 of one column of the input: a word of a panel
 *     W = w2 + w1 z + w0 z^2        a column of the window, upside down
 *     X W                           what the two rows add to output rows y - 1, y, y + 1 and y + 2
 *
 * Two accumulators hold the four lanes. SMLAL multiplies by w2 + w1 z: four products; MLA adds X w0 to the upper word:
 * two. After three columns of the window the lower word holds two complete outputs, and the upper word is the next
 * step's lower word, without an instruction. Rows y - 1 and y come out where y and y + 1 went in, so a tensor of lead 0
 * gives one of lead 1 and the other way round.
 *
 *     panels   [channel][row pair][column]{ x0 | x1 }
 *     weights  [channel]{ w2 + w1 z of window columns 0, 1, 2 | w0 of window columns 0, 1, 2 | bias (1 + z) }
 *     output   byte { code | code_at bits without meaning }, two rows side by side: row pairs for pointwise
 *
 * Weights and biases are scaled by a power of two such that a code begins at bit `code_bit` of its lane. Negative lanes
 * borrow from the lane above. Where scaling makes room for two bits below everything (flip 0), each lane starts one
 * higher: what borrows and carries do, one less or one more, stays in these bits and changes no code. Where it does not
 * (flip 1), each lane starts 2^15 higher, no lane is ever negative, and EOR takes 2^15 away at the end. The plan proves
 * that sums fit their lanes.
 *
 * A step inside a row, 18 products for two codes in 11 instructions, 0.61 each: LDR, LDRD, 3 MLA, 3 SMLAL, USAT16, ORR,
 * STRH (flip: 1 more; code_bit above code_at: 2 more, or 1 where it is 8 above). At the left and right edge 12 products
 * in 8. The last step multiplies for the lower word only, where that is the last output. Around the columns of a channel
 * are 10. All fourteen registers are in use; hence assembly.
 *
 * FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES(name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at,
 * bits, unrolled) defines a function of type fxp_depthwise_loop_row_pairs_dsp_lanes: row_pairs of the input, lead of the
 * input, last 1 where the upper lanes of the last step are output; unrolled 1 where columns inside follow each other
 * without a loop. Plain numbers; row_pairs * width <= 250, width * position_bytes <= 4095, code_at 4 (bits <= 4, code_bit
 * 4 to 12) or 0 (bits <= 7, code_bit 0 to 8), code_bit + bits <= 16.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_H
#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* The column w of the window on the word x, into lanes 0 and 1 (low) and 2 and 3 (high, which begins with `from`). The
 * last step of a column that has no more output needs no upper lanes. */
#define FXP_LANE_PRODUCTS(x, w2w1, w0, low, high, from)                                                                \
    ".if fxp_final\n"                                                                                                  \
    "mla " low ", " x ", " w2w1 ", " low "\n"                                                                          \
    ".else\n"                                                                                                          \
    "mla " high ", " x ", " w0 ", " from "\n"                                                                          \
    "smlal " low ", " high ", " x ", " w2w1 "\n"                                                                       \
    ".endif\n"

/* The three places a window can be in a row; r10 holds the biases of new lanes. */
#define FXP_LANE_LEFT(low, high)                                                                                       \
    "ldrd r2, r3, [r0, #fxp_x]\n"                                                                                      \
    FXP_LANE_PRODUCTS("r2", "r5", "r8", low, high, "r10")                                                              \
    FXP_LANE_PRODUCTS("r3", "r6", "r9", low, high, high)
#define FXP_LANE_INSIDE(low, high)                                                                                     \
    "ldr r12, [r0, #fxp_x + 8]\n"                                                                                      \
    "ldrd r2, r3, [r0, #fxp_x]\n"                                                                                      \
    FXP_LANE_PRODUCTS("r2", "r4", "r7", low, high, "r10")                                                              \
    FXP_LANE_PRODUCTS("r3", "r5", "r8", low, high, high)                                                               \
    FXP_LANE_PRODUCTS("r12", "r6", "r9", low, high, high)
#define FXP_LANE_RIGHT(low, high)                                                                                      \
    "ldrd r2, r3, [r0, #fxp_x]\n"                                                                                      \
    FXP_LANE_PRODUCTS("r2", "r4", "r7", low, high, "r10")                                                              \
    FXP_LANE_PRODUCTS("r3", "r5", "r8", low, high, high)
#define FXP_LANE_ONLY(low, high)                                                                                       \
    "ldr r2, [r0, #fxp_x]\n"                                                                                           \
    FXP_LANE_PRODUCTS("r2", "r5", "r8", low, high, "r10")

/* Two complete lanes to two codes; offsets that STRH can't hold move the pointer. */
#define FXP_LANE_STORE(lanes, flip, code_bit, code_at, bits)                                                           \
    ".if fxp_skip\n"                                                                                                   \
    ".set fxp_skip, 0\n"                                                                                               \
    ".else\n"                                                                                                          \
    ".if " #flip "\n"                                                                                                  \
    "eor " lanes ", " lanes ", #0x80008000\n"                                                                          \
    ".endif\n"                                                                                                         \
    "usat16 " lanes ", #" #code_bit " + " #bits ", " lanes "\n"                                                        \
    ".if " #code_bit " - " #code_at " == 8\n"                                                                          \
    "uxtb16 " lanes ", " lanes ", ror #8\n"                                                                            \
    ".elseif " #code_bit " > " #code_at "\n"                                                                           \
    "lsr " lanes ", " lanes ", #" #code_bit " - " #code_at "\n"                                                        \
    "uxtb16 " lanes ", " lanes "\n"                                                                                    \
    ".endif\n"                                                                                                         \
    "orr " lanes ", " lanes ", " lanes ", lsr #8\n"                                                                    \
    ".if fxp_at > 4095\n"                                                                                              \
    "addw r1, r1, #fxp_at - fxp_row\n"                                                                                 \
    ".set fxp_moved, fxp_moved + fxp_at - fxp_row\n"                                                                   \
    ".set fxp_at, fxp_row\n"                                                                                           \
    ".endif\n"                                                                                                         \
    "strh " lanes ", [r1, #fxp_at]\n"                                                                                  \
    ".set fxp_at, fxp_at + fxp_row\n"                                                                                  \
    ".endif\n"

#define FXP_LANE_STEP(place, low, high, last, width, flip, code_bit, code_at, bits)                                    \
    ".set fxp_left, fxp_left - 1\n"                                                                                    \
    ".set fxp_final, (fxp_left == 0) && (" #last " == 0)\n"                                                            \
    place(low, high)                                                                                                   \
    FXP_LANE_STORE(low, flip, code_bit, code_at, bits)                                                                 \
    ".set fxp_x, fxp_x + 4 * " #width "\n"

/* Down one column, which begins at fxp_top of the panel, and to the top of the next one. */
#define FXP_LANE_COLUMN(place, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits)            \
    ".set fxp_x, fxp_top\n"                                                                                            \
    ".set fxp_left, " #row_pairs "\n"                                                                                  \
    ".set fxp_at, 0\n"                                                                                                 \
    ".set fxp_moved, 0\n"                                                                                              \
    ".set fxp_skip, " #lead "\n"                                                                                       \
    "mov r11, r10\n"                                                                                                   \
    ".rept " #row_pairs " / 2\n"                                                                                       \
    FXP_LANE_STEP(place, "r11", "lr", last, width, flip, code_bit, code_at, bits)                                      \
    FXP_LANE_STEP(place, "lr", "r11", last, width, flip, code_bit, code_at, bits)                                      \
    ".endr\n"                                                                                                          \
    ".if " #row_pairs " & 1\n"                                                                                         \
    FXP_LANE_STEP(place, "r11", "lr", last, width, flip, code_bit, code_at, bits)                                      \
    ".if " #last "\n"                                                                                                  \
    FXP_LANE_STORE("lr", flip, code_bit, code_at, bits)                                                                \
    ".endif\n"                                                                                                         \
    ".elseif " #last "\n"                                                                                              \
    FXP_LANE_STORE("r11", flip, code_bit, code_at, bits)                                                               \
    ".endif\n"                                                                                                         \
    ".if fxp_moved > " #position_bytes "\n"                                                                            \
    "movw r2, #fxp_moved - " #position_bytes "\n"                                                                      \
    "subs r1, r1, r2\n"                                                                                                \
    ".else\n"                                                                                                          \
    "addw r1, r1, #" #position_bytes " - fxp_moved\n"                                                                  \
    ".endif\n"

/* r0 panel, r1 output, r2 r3 r12 input, r4 to r6 w2 + w1 z, r7 to r9 w0, r10 biases, r11 lr accumulators. */
#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES(                                                                        \
    name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                        \
)                                                                                                                      \
    FXP_DEPTHWISE_LANES_FUNCTION(                                                                                      \
        FXP_LANE_INSIDE, name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled   \
    )

/* The same with a macro for columns that are inside. */
#define FXP_DEPTHWISE_LANES_FUNCTION(                                                                                  \
    inside, name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                \
)                                                                                                                      \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panels, \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_code16 *output, \
        __attribute__((unused)) int32_t channels \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_row, " #width " * " #position_bytes "\n"                                                         \
            "push {r4-r11, lr}\n"                                                                                      \
            "push {r1-r3}\n" \
            "3:\n" \
            ".set fxp_top, 0\n" \
            "ldr r1, [sp]\n" \
            "ldm r1!, {r4-r10}\n" \
            "str r1, [sp]\n" \
            "ldr r1, [sp, #4]\n" \
            ".if " #width " == 1\n"                                                                                    \
            FXP_LANE_COLUMN(                                                                                           \
                FXP_LANE_ONLY, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits             \
            )                                                                                                          \
            ".else\n"                                                                                                  \
            FXP_LANE_COLUMN(                                                                                           \
                FXP_LANE_LEFT, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits             \
            )                                                                                                          \
            ".if !" #unrolled " && " #width " > 2\n"                                                                   \
            "movs r2, #" #width " - 2\n"                                                                               \
            "push {r2}\n"                                                                                              \
            "1:\n"                                                                                                     \
            FXP_LANE_COLUMN(inside, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits)       \
            "adds r0, r0, #4\n"                                                                                        \
            "ldr r2, [sp]\n"                                                                                           \
            "subs r2, r2, #1\n"                                                                                        \
            "str r2, [sp]\n"                                                                                           \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #4\n"                                                                                         \
            ".else\n"                                                                                                  \
            ".rept " #width " - 2\n"                                                                                   \
            FXP_LANE_COLUMN(inside, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits)       \
            ".set fxp_top, fxp_top + 4\n"                                                                              \
            ".endr\n"                                                                                                  \
            ".endif\n"                                                                                                 \
            FXP_LANE_COLUMN(                                                                                           \
                FXP_LANE_RIGHT, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits            \
            )                                                                                                          \
            ".endif\n"                                                                                                 \
            "ldrd r1, r2, [sp, #4]\n" \
            ".if !" #unrolled " && " #width " > 2\n" \
            "addw r0, r0, #4 * (" #row_pairs " * " #width " - " #width " + 2)\n" \
            ".else\n" \
            "addw r0, r0, #4 * " #row_pairs " * " #width "\n" \
            ".endif\n" \
            "adds r1, r1, #2\n" \
            "subs r2, r2, #1\n" \
            "strd r1, r2, [sp, #4]\n" \
            "bne.w 3b\n" \
            "add sp, sp, #12\n" \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES(                                                                        \
    name, row_pairs, lead, last, width, position_bytes, flip, code_bit, code_at, bits, unrolled                        \
)                                                                                                                      \
    static void name(const fxp_word *panels, const uint32_t *weights, fxp_code16 *output, int32_t channels) {          \
        const fxp_lanes lanes = {flip, code_bit, code_at, bits};                                                       \
        for (int32_t channel = 0; channel < channels; ++channel) {                                                     \
            fxp_depthwise_lanes_twin(                                                                                  \
                panels + channel * (row_pairs) * (width),                                                              \
                weights + 7 * channel,                                                                                 \
                output + channel,                                                                                      \
                row_pairs,                                                                                             \
                lead,                                                                                                  \
                last,                                                                                                  \
                width,                                                                                                 \
                (position_bytes) / 2,                                                                                  \
                lanes                                                                                                  \
            );                                                                                                         \
        }                                                                                                              \
    }

typedef struct {
    int32_t flip;
    int32_t code_bit;
    int32_t code_at;
    int32_t bits;
} fxp_lanes;

static inline uint32_t fxp_lane_saturate(int32_t lane, fxp_lanes lanes) {
    const int32_t limit = (1 << (lanes.code_bit + lanes.bits)) - 1;
    return (uint32_t)(lane < 0 ? 0 : lane > limit ? limit : lane) >> (lanes.code_bit - lanes.code_at) & 0xffu;
}

/* Two complete lanes to two bytes. */
static inline int16_t fxp_lane_codes(uint32_t sums, fxp_lanes lanes) {
    const uint32_t true_sums = lanes.flip ? sums ^ 0x80008000u : sums;
    const uint32_t low = fxp_lane_saturate(fxp_low(true_sums), lanes);
    const uint32_t high = fxp_lane_saturate(fxp_high(true_sums), lanes);
    return (int16_t)(low | high << 8);
}

static inline void fxp_depthwise_lanes_twin(
    const fxp_word *panel,
    const uint32_t *weights,
    fxp_code16 *output,
    int32_t row_pairs,
    int32_t lead,
    int32_t last,
    int32_t width,
    int32_t position_codes,
    fxp_lanes lanes
) {
    for (int32_t x = 0; x < width; ++x) {
        fxp_code16 *out = output + x * position_codes;
        uint32_t low = weights[6];
        for (int32_t row_pair = 0; row_pair < row_pairs; ++row_pair) {
            uint64_t sums = (uint64_t)weights[6] << 32 | low;
            for (int32_t column = x == 0; column < 3 && x + column <= width; ++column) {
                const uint32_t codes = panel[row_pair * width + x + column - 1];
                sums += (uint64_t)((int64_t)(int32_t)codes * (int32_t)weights[column]);
                sums += (uint64_t)(codes * weights[3 + column]) << 32;
            }
            if (row_pair >= lead) {
                *out = fxp_lane_codes((uint32_t)sums, lanes);
                out += width * position_codes;
            }
            low = (uint32_t)(sums >> 32);
        }
        if (last) {
            *out = fxp_lane_codes(low, lanes);
        }
    }
}

#endif

#endif
