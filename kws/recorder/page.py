"""The page that records: one HTML file that loads nothing else and sends nothing."""

import html
import json
import pathlib
import string
from typing import Any

from kws.datasets.clip import BACKGROUND_NOISE, CLIP_SAMPLES, SAMPLE_RATE
from kws.datasets.survey import survey
from kws.recorder import take
from kws.recorder.settings import RecordConfig
from microcontroller import c_sources

_FOLDER = pathlib.Path(__file__).parent
# What it has in common with the page that listens.
_BROWSER = pathlib.Path(c_sources.__file__).parent / "browser"
_SCRIPTS = (_FOLDER / "zip.js", _FOLDER / "take.js", _FOLDER / "recorder.js")


def page(config: RecordConfig) -> str:
    """The file's content."""
    # A word may end what looks like an element.
    settings = json.dumps(settings_of(config), ensure_ascii=False).replace("<", "\\u003c")
    return string.Template((_FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        words=html.escape(", ".join(config.words)),
        settings=settings,
        worklet=(_BROWSER / "worklet.js").read_text(encoding="utf-8"),
        script="\n".join(path.read_text(encoding="utf-8") for path in _SCRIPTS),
    )


def settings_of(config: RecordConfig) -> dict[str, Any]:
    """What the page's script goes by: the words, and the numbers of `take`."""
    return {
        "words": config.words,
        "takes": config.takes,
        "seconds": config.seconds,
        "noiseSeconds": config.noise_seconds,
        "noiseFolder": BACKGROUND_NOISE,
        "rate": SAMPLE_RATE,
        "clip": CLIP_SAMPLES,
        "frame": take.FRAME,
        "margin": take.MARGIN,
        "leastFrames": take.LEAST_FRAMES,
        "rangeDb": take.RANGE_DB,
        "overNoiseDb": take.OVER_NOISE_DB,
        "silentBelowDb": survey.SILENT_BELOW_DB,
        "quietBelowDb": survey.QUIET_BELOW_DB,
        "noisyBelowDb": survey.NOISY_BELOW_DB,
        "clippedAbove": survey.CLIPPED_ABOVE,
        "faults": {
            "silent": take.SILENT,
            "cutOff": take.CUT_OFF,
            "clipped": take.CLIPPED,
            "quiet": take.QUIET,
            "noisy": take.NOISY,
        },
        "bad": take.BAD,
    }
