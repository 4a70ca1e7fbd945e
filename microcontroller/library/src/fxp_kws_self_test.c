#include "fxp_kws_self_test.h"

/* Blocks of all lengths up to this many samples: at most one step of the network completes in one. */
enum { LONGEST_BLOCK = FXP_KWS_HOP_SAMPLES };

/* FNV-1a (Fowler, Noll, Vo), 32 bits. */
#define HASH_START UINT32_C(2166136261)
#define HASH_PRIME UINT32_C(16777619)

static uint32_t with_logits(uint32_t hash, const int8_t *logits) {
    for (int32_t i = 0; i < FXP_KWS_LABELS; ++i) {
        hash = (hash ^ (uint8_t)logits[i]) * HASH_PRIME;
    }
    return hash;
}

bool fxp_kws_self_test(fxp_kws *kws, fxp_kws_scratch *scratch, fxp_kws_self_test_result *result) {
    fxp_kws_detection detection;
    uint32_t steps = 0;
    size_t position = 0, block = 1;
    result->heard.label = FXP_KWS_NONE;
    result->heard.posterior = 0;
    result->heard.step = 0;
    result->hash = HASH_START;
    fxp_kws_init(kws);
    while (position < FXP_KWS_CLIP_SAMPLES) {
        const size_t left = FXP_KWS_CLIP_SAMPLES - position;
        position += fxp_kws_push(kws, fxp_kws_clip + position, block < left ? block : left, scratch);
        block = block < LONGEST_BLOCK ? block + 1 : 1;
        if (fxp_kws_steps(kws) != steps) {
            steps = fxp_kws_steps(kws);
            result->hash = with_logits(result->hash, fxp_kws_logits(kws));
        }
        while (fxp_kws_poll(kws, &detection)) {
            result->heard = detection;
        }
    }
    return result->hash == FXP_KWS_CLIP_HASH && result->heard.label == FXP_KWS_CLIP_LABEL &&
           result->heard.posterior == FXP_KWS_CLIP_POSTERIOR && result->heard.step == FXP_KWS_CLIP_STEP;
}
