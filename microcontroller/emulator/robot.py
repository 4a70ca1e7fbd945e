"""What bench.robot is to see: the exact interpreter's answers, as variables for Renode's Robot test."""

import json
import pathlib

import numpy as np

VARIABLES = "expected.json"


def clip_lines(logits: np.ndarray) -> list[str]:
    """A regular expression for each CLIP line: all of it but instructions and label.

    Args:
      logits: the expected codes, int8 [clips, labels].
    """
    return [
        rf"^CLIP index={index} class={codes.argmax()} score={codes.max()} instructions=\d+ "
        rf"logits={codes.astype(np.int8).tobytes().hex()} label="
        for index, codes in enumerate(logits)
    ]


def write(folder: pathlib.Path, logits: np.ndarray) -> None:
    """Writes `VARIABLES` for a run over clips with these logits, int8 [clips, labels]."""
    variables = {"CLIPS": len(logits), "CLIP_LINES": clip_lines(logits)}
    (folder / VARIABLES).write_text(json.dumps(variables, indent=1) + "\n", encoding="utf-8")
