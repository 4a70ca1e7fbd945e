"""Writes a page that listens in a browser. `python -m microcontroller.web_page --bundle=B --page=keywords.html`.

The bundle's front end, streaming network and detector, the same C as on the device, are compiled to WebAssembly by
Emscripten and put into one HTML file with what it needs to hear a microphone or a recording: it loads nothing else and
sends nothing. Codes and detections equal `kws.evaluation.streaming.sound.Listener`'s.
"""

import base64
import dataclasses
import html
import json
import pathlib
import shutil
import string
from typing import Any

from absl import flags

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.host import compiler
from export.model import detector as detectors
from export.source import detector_source, frontend_source, stream_source
from kws_cli import command, held_folder
from kws_cli.command import UserError
from microcontroller import c_sources

COMPILER = "emcc"
_BROWSER = pathlib.Path(__file__).parent / "browser"
_GENERATED = (frontend_source.SOURCE, stream_source.SOURCE, detector_source.SOURCE)
_SCRIPTS = ("listener.js", "decision.js", "recording.js", "charts.js", "page.js")
_EXPORTED = (
    "reset",
    "step",
    "samples",
    "features",
    "sums",
    "label",
    "labels",
    "window",
    "frames",
    "coefficients",
    "step_samples",
    "sample_rate",
)


@dataclasses.dataclass(frozen=True)
class WebPageConfig:
    """What to write.

    Attributes:
      bundle: path of a bundle with a detector.
      page: the HTML file.
    """

    bundle: pathlib.Path
    page: pathlib.Path


def write(config: WebPageConfig) -> int:
    """Writes the page, whole or not at all, and returns the bytes of WebAssembly in it.

    Raises:
      UserError: a bundle without front end or detector, no Emscripten, or a file that can't be written.
    """
    command.check_page(config.page, "page")
    bundle = bundles.load_hearing(config.bundle)
    detector = detector_file.of_bundle(bundle)
    wasm = compiled(bundle)
    labels = zip(detector.labels, detector.thresholds, strict=True)
    keywords = [label for label, threshold in labels if threshold < detectors.NEVER]
    values = {
        "name": html.escape(bundle.model.name),
        "keywords": html.escape(", ".join(keywords)),
        "sha256": bundle.model.sha256[:12],
        "bytes": f"{len(wasm):,}",
        "wasm": base64.b64encode(wasm).decode(),
        "detector": json.dumps(_decision(detector)),
        "worklet": (_BROWSER / "worklet.js").read_text(encoding="utf-8"),
        "script": "\n".join((_BROWSER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
    }
    text = string.Template((_BROWSER / "page.html").read_text(encoding="utf-8")).substitute(values)
    command.write_page(config.page, text, "page")
    return len(wasm)


def _decision(detector: detectors.Detector) -> dict[str, Any]:
    """What the page decides by at another sensitivity than the bundle's."""
    thresholds = [None if threshold == detectors.NEVER else threshold for threshold in detector.thresholds]
    return {
        "thresholds": thresholds,
        "refractory": detector.refractory,
        "rise": None if detector.rise == detectors.MOST_STEPS else detector.rise,
        "onset": detector.onset,
        "one": detectors.ONE * detector.window,
    }


def compiled(bundle: Bundle) -> bytes:
    """The bundle's three parts as a WebAssembly module that imports nothing.

    Raises:
      UserError: no Emscripten, a file missing, or C that does not compile.
    """
    emcc = shutil.which(COMPILER)
    if emcc is None:
        raise UserError(f"{COMPILER} not found: run make web, or apt-get install emscripten")
    parts = (c_sources.engine(), c_sources.front_end(), c_sources.detector())
    includes = [folder for part in parts for folder in part.include_folders]
    own = [*(file for part in parts for file in part.files), _BROWSER / "listener.c"]
    exported = ",".join(f"_listener_{name}" for name in _EXPORTED)
    build = (emcc, "-O3", "--no-entry", "-sSTANDALONE_WASM", f"-sEXPORTED_FUNCTIONS={exported}")
    with held_folder.made("fxp-wasm-") as folder:
        module = folder / "listener.wasm"
        compiler.compile_library(bundle.c_folder, _GENERATED, own, includes, module, build=build)
        return module.read_bytes()


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_required_flag("bundle", "A bundle with a detector (kws.tune_detector writes it).")
    command.define_required_flag("page", "The HTML file to write.")


def main() -> None:
    """The command `python -m microcontroller.web_page`."""

    def work(values: flags.FlagValues) -> None:
        size = write(WebPageConfig(pathlib.Path(values.bundle), pathlib.Path(values.page)))
        print(f"{values.page}: {size:,} bytes of WebAssembly; open it in a browser")

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
