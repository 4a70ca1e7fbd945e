"""What tests of the report write a page of: a result of every command; and what they read of a page."""

import html.parser
import pathlib

import numpy as np

from kws.reports import subject


class _Reader(html.parser.HTMLParser):
    """What a page names: ids, addresses, and tags that are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "link", "img", "input", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def sha256(path: pathlib.Path) -> str:
    return subject.bundles.load(path).model.sha256


def results(path: pathlib.Path) -> dict[str, dict]:
    """A result of every command, as they write it, of the bundle's model."""
    labels = list(subject.bundles.load(path).labels)
    model = sha256(path)
    names = [layer.name for layer in subject.bundles.load(path).model.layers]
    group = {"hours": 2.0, "false_alarms": 0, "per_hour": 0.0, "interval": [0.0, 1.8], "upper_bound": False}
    rates = {"false_reject_rate": [0.9, 0.2, 0.05, 0.0], "false_alarm_rate": [0.0, 0.01, 0.1, 1.0]}
    of_device = {
        "model_sha256": model,
        "board": "stm32f4",
        "profile": "fast",
        "compiler": "gcc",
        "emulator_version": "Q",
    }
    return {
        "verify": {
            "model_sha256": model,
            "inputs": 4,
            "mismatches": 0,
            "pairs": [{"implementation": "c_engine", "reference": "single", "codes": 1234, "mismatches": 0}],
            "skipped": {"keras": "none"},
        },
        "bench": {
            **of_device,
            "instructions_per_inference": 1_000_000,
            "estimated_cycles": 1_500_000,
            "layers": [
                {"name": name, "op": "conv2d", "instructions": 1000, "estimated_cycles": 1500} for name in names
            ],
            "ram_bytes": 8192,
            "ram_sections": {},
            "flash_bytes": 65536,
            "flash_sections": {},
            "mismatches": 0,
            "inferences": 3,
        },
        "streaming": {
            **of_device,
            "board": "mps2_an386",
            "instructions_per_second_of_audio": {"frontend": 1_000_000, "network": 3_000_000, "total": 4_000_000},
            "ram_bytes": 16384,
            "ram_sections": {},
            "flash_bytes": 65536,
            "mismatches": 0,
        },
        "clips": {
            "model_sha256": model,
            "dataset": "speech_commands",
            "split": "testing",
            "computed_by": "interpreter",
            "labels": labels,
            "clips": 100,
            "accuracy": 0.875,
            "recall": dict.fromkeys(labels, 0.5),
            "confusion": np.eye(len(labels), dtype=int).tolist(),
            "false_discovery_rate_at_false_reject_rate": {"0.05": 0.25},
            "det": rates,
            "intervals": {"accuracy": [0.85, 0.9], "false_discovery_rate": None},
            "float": {"accuracy": 0.9},
        },
        "always_on": {
            "bundle": "x",
            "model_sha256": model,
            "split": "testing",
            "negatives": {"all": group, "music": group},
            "words": {"quiet": {"spoken": 10, "miss_rate": 0.1, "interval": [0.0, 0.3]}},
            "curve": {"false_alarms_per_hour": {"all": [0.0, 0.5, 20.0]}, "miss_rate": {"quiet": [0.5, 0.2, 0.1]}},
        },
        "conditions": {
            "dataset": "speech_commands",
            "split": "testing",
            "models": ["float of small", "small"],
            "model_sha256": [None, model],
            "rows": [
                {"condition": condition, "clips": 10, "correct": [0.9, 0.8]}
                for condition in ("gain 1", "gain 0.1", "SNR 20 dB", "SNR 0 dB", "2 recorded rooms")
            ],
        },
    }
