/*
 * What the page calls: the front end, the streaming network and the detector of a bundle, one step at a time.
 *
 * The page writes a step's samples to listener_samples(), calls listener_step() and reads what it wants to show.
 */
#include "fxp_detector.h"
#include "fxp_frontend.h"
#include "fxp_stream_model.h"

_Static_assert(FXP_STREAM_FRAME_BYTES == FXP_FRONTEND_COEFFICIENTS, "the network takes other frames");
_Static_assert(FXP_STREAM_LABELS == FXP_DETECTOR_CLASSES, "the detector takes other logits");
_Static_assert(FXP_STREAM_STEPS == 1, "a call gives more than one row of logits");

#define STEP_SAMPLES (FXP_STREAM_FRAMES * FXP_FRONTEND_HOP_SAMPLES)

uint32_t listener_sample_rate(void);
uint32_t listener_step_samples(void);
uint32_t listener_frames(void);
uint32_t listener_coefficients(void);
uint32_t listener_labels(void);
uint32_t listener_window(void);
const char *listener_label(uint32_t label);
int16_t *listener_samples(void);
const int8_t *listener_features(void);
const uint32_t *listener_sums(void);
void listener_reset(void);
int32_t listener_step(void);

static fxp_frontend frontend;
static fxp_stream_state stream;
static fxp_detector detector;
static int16_t samples[STEP_SAMPLES];
static int8_t features[FXP_STREAM_INPUT_BYTES];

uint32_t listener_sample_rate(void) {
    return FXP_FRONTEND_SAMPLE_RATE;
}

uint32_t listener_step_samples(void) {
    return STEP_SAMPLES;
}

/* Frames of a step, and the codes of each. */
uint32_t listener_frames(void) {
    return FXP_STREAM_FRAMES;
}

uint32_t listener_coefficients(void) {
    return FXP_STREAM_FRAME_BYTES;
}

uint32_t listener_labels(void) {
    return FXP_STREAM_LABELS;
}

/* Steps that the detector sums posteriors over. */
uint32_t listener_window(void) {
    return FXP_DETECTOR_WINDOW;
}

const char *listener_label(uint32_t label) {
    return fxp_stream_labels[label];
}

/* [listener_step_samples()], written by the page before a step. */
int16_t *listener_samples(void) {
    return samples;
}

/* Codes [listener_frames()][listener_coefficients()] of the last step. */
const int8_t *listener_features(void) {
    return features;
}

/* Q15 posteriors, summed over the window [listener_labels()]. */
const uint32_t *listener_sums(void) {
    return detector.sums;
}

/* The stream begins anew, in silence. */
void listener_reset(void) {
    fxp_frontend_init(&frontend);
    fxp_stream_init(&stream);
    fxp_detector_init(&detector);
}

/* Returns the label that is detected with this step's samples, or FXP_DETECTOR_NONE. */
int32_t listener_step(void) {
    static fxp_frontend_scratch scratch;
    static fxp_stream_arena arena;
    int8_t logits[FXP_STREAM_OUTPUT_BYTES];
    for (uint32_t frame = 0; frame < FXP_STREAM_FRAMES; ++frame) {
        const int8_t *codes = fxp_frontend_hop(&frontend, samples + frame * FXP_FRONTEND_HOP_SAMPLES, &scratch);
        for (uint32_t i = 0; i < FXP_STREAM_FRAME_BYTES; ++i) {
            features[frame * FXP_STREAM_FRAME_BYTES + i] = codes[i];
        }
    }
    fxp_stream_step(&stream, features, logits, arena.bytes);
    return fxp_detector_step(&detector, logits);
}
