"""The float32 MFCC in TensorFlow's graph beside the integers. `python -m kws.experiments.graph_frontend --help`.

How far its values are from the codes that the device computes, on clips of the testing split with the Q-format that the
training split chooses, and what a clip costs in CPU time: in the graph, and by the C that makes training's features.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from kws import datasets
from kws.datasets import DatasetConfig, dataset_flags
from kws.examples import extraction
from kws.frontend import FLOAT64, INTEGER, FrontEndConfig
from kws.frontend.graph_mfcc import graph_features
from kws.training import devices
from kws_cli import command
from kws_cli.table import aligned

_GRAPH = "float32 graph"
_ROUNDS = 7
_CLIPS_PER_CALL = 64


def measure(config: DatasetConfig, clips: int) -> dict[str, Any]:
    """Differences to the integers, in codes, and milliseconds of CPU time a clip.

    Args:
      clips: of the testing split, at most.

    Raises:
      DatasetError, StoreError: the data can't be loaded.
    """
    import tensorflow as tf

    dataset = datasets.load(config)
    frontend = extraction.calibrate_on_clips(dataset.splits["training"].samples, FrontEndConfig())
    heard = np.array(dataset.splits["testing"].samples[:clips])
    graph = tf.function(lambda samples: graph_features(samples, frontend))

    def by_graph(samples: np.ndarray) -> np.ndarray:
        parts = np.split(samples, range(_CLIPS_PER_CALL, len(samples), _CLIPS_PER_CALL))
        return np.concatenate([graph(tf.constant(part)).numpy() for part in parts])

    codes = INTEGER.features(heard, frontend)
    return {
        "clips": len(heard),
        "device": devices.description(),
        "differences": {
            FLOAT64.name: difference(FLOAT64.features(heard, frontend), codes),
            _GRAPH: difference(by_graph(heard), codes),
        },
        "milliseconds": {
            INTEGER.name: _milliseconds(lambda: INTEGER.features(heard, frontend), len(heard)),
            _GRAPH: _milliseconds(lambda: by_graph(heard), len(heard)),
        },
    }


def difference(values: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """How far values, float32, are from int8 codes of the same shape, in codes: before rounding, and after it.

    Returns:
      "rms" and "largest" of 32 * value - code, where no code is saturated (rounding alone gives an "rms" of 0.289);
      "equal", the share of all codes that rounded and saturated values give.
    """
    exact = 32.0 * values.astype(np.float64)
    inside = np.abs(codes.astype(int) + 0.5) < 127
    off = (exact - codes)[inside]
    equal = np.clip(np.floor(exact + 0.5), -128, 127) == codes
    return {
        "rms": float(np.sqrt(np.mean(off**2))),
        "largest": float(np.abs(off).max()),
        "equal": float(equal.mean()),
    }


def _milliseconds(work: Callable[[], object], clips: int) -> float:
    work()
    seconds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return 1e3 * statistics.median(seconds) / clips


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    rows = [("to the integers, in codes", "RMS", "largest", "equal codes")]
    for name, found in result["differences"].items():
        rows.append((name, f"{found['rms']:.3f}", f"{found['largest']:.2f}", f"{100 * found['equal']:.2f} %"))
    costs = [("CPU time a clip", ""), *((name, f"{cost:.3f} ms") for name, cost in result["milliseconds"].items())]
    head = f"{result['clips']} clips; device: {result['device']}"
    return "\n".join([head, *aligned(rows, left=1), "", *aligned(costs, left=1)])


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    command.define_json_flag()
    flags.DEFINE_integer("clips", 512, "Clips of the testing split, at most.", lower_bound=1)
    flags.DEFINE_integer("threads", 1, "Threads of TensorFlow.", lower_bound=1)


def main() -> None:
    """The command `python -m kws.experiments.graph_frontend`."""

    def work(values: flags.FlagValues) -> None:
        devices.prepare(values.threads)
        result = measure(dataset_flags.config_from_flags(values), values.clips)
        command.say(table(result), values.json)
        command.say_if_fewer("clips", values.clips, result["clips"], "clips in the testing split", values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
