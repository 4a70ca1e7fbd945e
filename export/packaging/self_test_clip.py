"""The clip in a package, and what the host computes of it: a device that computes the same is right.

The front end's C on this machine, the exact interpreter of the streaming network and the detector's definition say what
has to come out: every logit code, as one hash, and the keyword with its step and posterior.
"""

import dataclasses
import pathlib
import wave

import numpy as np

from export.bundle.folder import Bundle
from export.host.frontend import CFrontEnd
from export.model import detector as detectors
from export.model.detector import Detector
from export.model.stream_interpreter import StreamInterpreter
from export.packaging import spoken_words
from export.packaging.packaging_error import PackagingError

HEADER = "fxp_kws_self_test.h"
SOURCE = "fxp_kws_clip.c"
NOTHING = -1
MOST_SECONDS = 10
_SECONDS_BEFORE = 0.5
_SECONDS_AFTER = 2.0
_STEPS_AFTER = 2
_NOISE_RMS = 30.0
_LEVELS = (8000, 16000, 3000, 28000)
_FULL_SCALE = 32767
_HASH_START, _HASH_PRIME = 2166136261, 16777619
_PER_LINE = 16


@dataclasses.dataclass(frozen=True)
class Clip:
    """Samples and what is to be computed of them.

    Attributes:
      samples: int16 [n].
      logits: int8 [steps, labels].
      label, step, posterior: of the last keyword that is heard, step counted from 1; label `NOTHING` for none.
    """

    samples: np.ndarray
    logits: np.ndarray
    label: int
    step: int
    posterior: int

    @property
    def hash(self) -> int:
        """FNV-1a of the logits in order, 32 bits."""
        value = _HASH_START
        for code in self.logits.astype(np.uint8).ravel().tolist():
            value = ((value ^ code) * _HASH_PRIME) & 0xFFFFFFFF
        return value


class _Host:
    """Computes clips for one bundle."""

    def __init__(self, bundle: Bundle, detector: Detector, front_end: CFrontEnd) -> None:
        self._detector, self._front_end = detector, front_end
        self._stream = StreamInterpreter(bundle.model)
        self.step_samples = front_end.hop_samples * self._stream.frames_per_step

    def clip(self, samples: np.ndarray) -> Clip:
        self._front_end.reset()
        self._stream.reset()
        steps = len(samples) // self.step_samples
        logits = self._stream.run(self._front_end.hops(samples[: steps * self.step_samples]))
        heard = detectors.run(self._detector, logits)
        if not heard:
            return Clip(samples, logits, NOTHING, 0, 0)
        step, label = heard[-1]
        sums = detectors.smooth(detectors.posteriors(self._detector, logits).astype(np.int64), self._detector.window)
        return Clip(samples, logits, label, step + 1, int(sums[step, label]) // self._detector.window)


def of_bundle(bundle: Bundle, detector: Detector, recording: pathlib.Path | None = None) -> Clip:
    """The clip for a bundle: a recording, or else the first of the kept words that its detector hears in a quiet room.

    Where it hears none, or none of its keywords is kept, noise: then label is `NOTHING`.

    Raises:
      PackagingError: a recording of another form.
      HostError: no C compiler.
    """
    with CFrontEnd.build(bundle.c_folder) as front_end:
        host = _Host(bundle, detector, front_end)
        if recording is not None:
            return host.clip(read(recording))
        for samples, label in _candidates(detector):
            clip = host.clip(samples)
            if clip.label == label:
                return host.clip(samples[: (clip.step + _STEPS_AFTER) * host.step_samples])
        return host.clip(_placed(np.zeros(0), 0.0)[: spoken_words.SAMPLE_RATE])


def _candidates(detector: Detector) -> list[tuple[np.ndarray, int]]:
    """Samples and the label that has to be heard in them, the likeliest first."""
    keywords = [i for i, threshold in enumerate(detector.thresholds) if threshold < detectors.NEVER]
    return [
        (_placed(word, level), label)
        for level in _LEVELS
        for label in keywords
        for word in spoken_words.renderings(detector.labels[label])
    ]


def _placed(word: np.ndarray, peak: float) -> np.ndarray:
    """A word in a quiet room's noise, int16."""
    before, after = (int(seconds * spoken_words.SAMPLE_RATE) for seconds in (_SECONDS_BEFORE, _SECONDS_AFTER))
    sound = _NOISE_RMS * np.random.default_rng(0).standard_normal(before + len(word) + after)
    if len(word):
        sound[before : before + len(word)] += word * (peak / np.abs(word).max())
    return np.clip(np.rint(sound), -_FULL_SCALE - 1, _FULL_SCALE).astype(np.int16)


def read(path: pathlib.Path) -> np.ndarray:
    """int16 [n] of a WAV file of up to `MOST_SECONDS`.

    Raises:
      PackagingError: it is missing, damaged, too short or too long, or has another form.
    """
    rate, remedy = spoken_words.SAMPLE_RATE, "give a WAV file of 16 kHz, mono, signed 16 bits"
    try:
        with wave.open(str(path), "rb") as file:
            form, data = (file.getframerate(), file.getnchannels(), file.getsampwidth()), file.readframes(-1)
    except (wave.Error, EOFError) as error:
        raise PackagingError(f"clip={path} can't be read ({str(error) or 'it ends too early'}): {remedy}") from error
    except OSError as error:
        raise PackagingError(f"clip={path} can't be read: {error.strerror}: {remedy}") from error
    if form != (rate, 1, 2):
        raise PackagingError(f"clip={path} has {form[0]} Hz, {form[1]} channels, {8 * form[2]} bits: {remedy}")
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
    if not rate <= len(samples) <= MOST_SECONDS * rate:
        raise PackagingError(f"clip={path} has {len(samples) / rate:.2f} s: give 1 to {MOST_SECONDS} s")
    return samples


def files(clip: Clip) -> dict[str, str]:
    """The self-test's header and the clip, as C in the project's own names."""
    macros = {
        "SAMPLES": len(clip.samples),
        "HASH": f"UINT32_C({clip.hash})",
        "LABEL": clip.label if clip.label >= 0 else f"({clip.label})",
        "STEP": f"{clip.step}u",
        "POSTERIOR": f"{clip.posterior}u",
    }
    defines = "\n".join(f"#define FXP_KWS_CLIP_{name} {value}" for name, value in macros.items())
    return {HEADER: _HEADER.format(defines=defines), SOURCE: _source(clip.samples.tolist())}


def _source(samples: list[int]) -> str:
    rows = (samples[i : i + _PER_LINE] for i in range(0, len(samples), _PER_LINE))
    lines = "\n".join("    " + " ".join(f"{value}," for value in row) for row in rows)
    return f'#include "{HEADER}"\n\nconst int16_t fxp_kws_clip[FXP_KWS_CLIP_SAMPLES] = {{\n{lines}\n}};\n'


_HEADER = """\
/* Whether this device computes what the host does: a clip, and what has to come out. Not linked where not called. */
#ifndef FXP_KWS_SELF_TEST_H
#define FXP_KWS_SELF_TEST_H

#include "fxp_kws.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* The clip's length, the hash of all logits, and the keyword that is heard in it (label FXP_KWS_NONE where none is). */
{defines}

extern const int16_t fxp_kws_clip[FXP_KWS_CLIP_SAMPLES];

typedef struct {{
    uint32_t hash;           /* FNV-1a of all logits, in order */
    fxp_kws_detection heard; /* the last one; label FXP_KWS_NONE for none */
}} fxp_kws_self_test_result;

/* Plays the clip; true where every logit and the detection are the host's. Leaves kws as it is behind the clip. */
bool fxp_kws_self_test(fxp_kws *kws, fxp_kws_scratch *scratch, fxp_kws_self_test_result *result);

#ifdef __cplusplus
}}
#endif

#endif
"""
