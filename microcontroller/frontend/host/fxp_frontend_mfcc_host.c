/*
 * MFCC of whole clips on the host, many frames at a time: lane l of every array belongs to frame l, and a loop over
 * lanes is what a compiler makes vector instructions of. The steps are those of src/'s plain C, integer by integer.
 */
#include "fxp_every_core.h"
#include "fxp_frontend_butterfly.h"
#include "fxp_frontend_log.h"
#include "fxp_frontend_steps.h"

#include <stddef.h>
#include <string.h>

enum { LANES = 16, PAIRS = FXP_FRONTEND_PAIRS, EIGHTH = FXP_FRONTEND_PAIRS / 4, BANDS = FXP_FRONTEND_MEL_BANDS };

typedef struct {
    int32_t re[LANES];
    int32_t im[LANES];
} points;

void fxp_host_mfcc_shape(uint32_t shape[3]);
void fxp_host_mfcc(const int16_t *samples, uint32_t clips, uint32_t clip_samples, uint32_t frames, int32_t *mfcc);

void fxp_host_mfcc_shape(uint32_t shape[3]) {
    shape[0] = FXP_FRONTEND_WINDOW_SAMPLES;
    shape[1] = FXP_FRONTEND_HOP_SAMPLES;
    shape[2] = FXP_FRONTEND_COEFFICIENTS;
}

static inline fxp_point get(const points *from, int32_t lane) {
    return (fxp_point){from->re[lane], from->im[lane]};
}

static inline void put(points *to, int32_t lane, fxp_point value) {
    to->re[lane] = value.re;
    to->im[lane] = value.im;
}

static inline void fold(const int16_t *const frames[LANES], points *work) {
    for (int32_t i = 0; i < EIGHTH; ++i) {
        const fxp_frontend_step *const step = fxp_frontend_steps + FXP_FRONTEND_STEP(i);
        for (int32_t k = 1; k < 4; ++k) {
            points *const p = work + i + k * EIGHTH;
            const int32_t even = FXP_FRONTEND_INNER_WINDOW(step, k, 0);
            const int32_t odd = FXP_FRONTEND_INNER_WINDOW(step, k, 1);
            for (int32_t lane = 0; lane < LANES; ++lane) {
                const int16_t *const pair = frames[lane] + 2 * (i + k * EIGHTH);
                put(p, lane, (fxp_point){pair[0] * even, pair[1] * odd});
            }
        }
        for (int32_t lane = 0; lane < LANES; ++lane) {
            const int16_t *const a = frames[lane] + 2 * i;
            const int16_t *const b = a + 8 * EIGHTH;
            work[i].re[lane] = a[0] * step->first[0] + b[0] * step->last[0];
            work[i].im[lane] = a[1] * step->first[1] + b[1] * step->last[1];
        }
    }
}

static inline void first_stage(points *work) {
    for (int32_t i = 0; i < EIGHTH; ++i) {
        points *const p = work + i;
        const int32_t (*const twiddles)[2] = fxp_frontend_steps[FXP_FRONTEND_STEP(i)].twiddles;
        for (int32_t lane = 0; lane < LANES; ++lane) {
            fxp_point out[4];
            fxp_butterfly(
                fxp_shifted_right(get(p, lane), 4),
                fxp_shifted_right(get(p + EIGHTH, lane), 4),
                fxp_shifted_right(get(p + 2 * EIGHTH, lane), 4),
                fxp_shifted_right(get(p + 3 * EIGHTH, lane), 4),
                out
            );
            put(p, lane, out[0]);
            put(p + EIGHTH, lane, fxp_doubled(fxp_turned(out[1], twiddles[0])));
            put(p + 2 * EIGHTH, lane, fxp_doubled(fxp_turned(out[2], twiddles[1])));
            put(p + 3 * EIGHTH, lane, fxp_doubled(fxp_turned(out[3], twiddles[2])));
        }
    }
}

static inline void middle_stage(points *work, int32_t step) {
    for (int32_t i = 0; i < step; ++i) {
        const int32_t (*const twiddles)[2] = fxp_frontend_steps[FXP_FRONTEND_STEP(EIGHTH / step * i)].twiddles;
        for (points *p = work + i; p < work + PAIRS; p += 4 * step) {
            for (int32_t lane = 0; lane < LANES; ++lane) {
                fxp_point out[4];
                fxp_butterfly(get(p, lane), get(p + step, lane), get(p + 2 * step, lane), get(p + 3 * step, lane), out);
                put(p, lane, fxp_shifted_right(out[0], 2));
                put(p + step, lane, fxp_shifted_right(fxp_turned(out[1], twiddles[0]), 1));
                put(p + 2 * step, lane, fxp_shifted_right(fxp_turned(out[2], twiddles[1]), 1));
                put(p + 3 * step, lane, fxp_shifted_right(fxp_turned(out[3], twiddles[2]), 1));
            }
        }
    }
}

static inline void last_stage(const points *work, points *bins) {
    for (int32_t i = 0; i < EIGHTH; ++i) {
        const points *const p = work + 4 * fxp_reversed(i);
        for (int32_t lane = 0; lane < LANES; ++lane) {
            fxp_point out[4];
            fxp_butterfly(get(p, lane), get(p + 1, lane), get(p + 2, lane), get(p + 3, lane), out);
            put(bins + i, lane, out[0]);
            put(bins + i + EIGHTH, lane, out[2]);
            put(bins + i + 2 * EIGHTH, lane, out[1]);
            put(bins + i + 3 * EIGHTH, lane, out[3]);
        }
    }
}

static inline void split(points *bins) {
    for (int32_t lane = 0; lane < LANES; ++lane) {
        const fxp_point first = get(bins, lane);
        put(bins, lane, (fxp_point){(first.re + first.im) >> 1, 0});
        put(bins + PAIRS, lane, (fxp_point){(first.re - first.im) >> 1, 0});
    }
    for (int32_t i = 1; i <= PAIRS / 2; ++i) {
        for (int32_t lane = 0; lane < LANES; ++lane) {
            fxp_point bin = get(bins + i, lane);
            fxp_point mirrored = get(bins + PAIRS - i, lane);
            fxp_split(&bin, &mirrored, fxp_frontend_split[i - 1]);
            put(bins + PAIRS - i, lane, mirrored);
            put(bins + i, lane, bin);
        }
    }
}

static inline uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

static inline void normalize(const points *bins, int32_t normalization[LANES]) {
    uint32_t bits[LANES] = {0};
    for (int32_t i = 0; i <= PAIRS; ++i) {
        for (int32_t lane = 0; lane < LANES; ++lane) {
            bits[lane] |= magnitude(bins[i].re[lane]) | magnitude(bins[i].im[lane]);
        }
    }
    for (int32_t lane = 0; lane < LANES; ++lane) {
        int32_t shift = 0;
        while (shift < FXP_FRONTEND_MAX_NORMALIZATION && bits[lane] < UINT32_C(0x40000000) >> shift) {
            ++shift;
        }
        normalization[lane] = shift;
    }
}

static inline void
band_logs(const points *bins, const int32_t normalization[LANES], int16_t logs[FXP_FRONTEND_MEL_BANDS][LANES]) {
    const uint32_t *slope = fxp_frontend_slopes;
    uint64_t energy[LANES] = {0};
    uint64_t next[LANES];
    bins += FXP_FRONTEND_MEL_FIRST_BIN;
    for (int32_t band = -1; band < FXP_FRONTEND_MEL_BANDS; ++band) {
        for (int32_t lane = 0; lane < LANES; ++lane) {
            next[lane] = UINT64_C(1) << (FXP_FRONTEND_FLOOR_BITS + 2 * normalization[lane]);
        }
        for (uint32_t count = *slope++; count > 0; --count) {
            for (int32_t lane = 0; lane < LANES; ++lane) {
                const uint32_t power =
                    fxp_squared(bins->re[lane], normalization[lane]) + fxp_squared(bins->im[lane], normalization[lane]);
                energy[lane] += fxp_weighted(power, slope[0]);
                next[lane] += fxp_weighted(power, slope[1]);
            }
            ++bins;
            slope += 2;
        }
        for (int32_t lane = 0; lane < LANES && band >= 0; ++lane) {
            const int32_t floor_bits = FXP_FRONTEND_FLOOR_BITS + 2 * normalization[lane];
            logs[band][lane] = (int16_t)fxp_log2_above(energy[lane], floor_bits);
        }
        memcpy(energy, next, sizeof energy);
    }
}

static inline void
coefficients(int16_t logs[FXP_FRONTEND_MEL_BANDS][LANES], int32_t sums[FXP_FRONTEND_COEFFICIENTS][LANES]) {
    for (int32_t i = 0; i < FXP_FRONTEND_COEFFICIENTS; ++i) {
        memset(sums[i], 0, sizeof sums[i]);
        for (int32_t band = 0; band < BANDS; ++band) {
            const int32_t mirrored = BANDS - 1 - band;
            const int32_t tap = fxp_frontend_dct[i][band < mirrored ? band : mirrored];
            const int32_t weight = i % 2 != 0 && band > mirrored ? -tap : tap;
            for (int32_t lane = 0; lane < LANES; ++lane) {
                sums[i][lane] += logs[band][lane] * weight;
            }
        }
    }
}

/* samples [clips][clip_samples], mfcc [clips][frames][FXP_FRONTEND_COEFFICIENTS] in Q22; frames above 0 */
FXP_EVERY_CORE
void fxp_host_mfcc(const int16_t *samples, uint32_t clips, uint32_t clip_samples, uint32_t frames, int32_t *mfcc) {
    points work[PAIRS];
    points bins[PAIRS + 1];
    int32_t normalization[LANES];
    int16_t logs[FXP_FRONTEND_MEL_BANDS][LANES];
    int32_t sums[FXP_FRONTEND_COEFFICIENTS][LANES];
    const size_t total = (size_t)clips * frames;
    for (size_t first = 0; first < total; first += LANES) {
        const int16_t *windows[LANES];
        for (size_t lane = 0; lane < LANES; ++lane) {
            const size_t frame = first + lane < total ? first + lane : total - 1;
            windows[lane] = samples + frame / frames * clip_samples + frame % frames * FXP_FRONTEND_HOP_SAMPLES;
        }
        fold(windows, work);
        first_stage(work);
        middle_stage(work, PAIRS / 16);
        middle_stage(work, PAIRS / 64);
        last_stage(work, bins);
        split(bins);
        normalize(bins, normalization);
        band_logs(bins, normalization, logs);
        coefficients(logs, sums);
        for (size_t lane = 0; lane < LANES && first + lane < total; ++lane) {
            for (size_t i = 0; i < FXP_FRONTEND_COEFFICIENTS; ++i) {
                *mfcc++ = sums[i][lane];
            }
        }
    }
}
