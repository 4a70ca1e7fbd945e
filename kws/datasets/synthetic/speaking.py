"""Renders utterances in several processes: this module is both the caller and, run as a program, the worker.

A worker is a plain program that reads utterances as JSON on stdin and writes the clips' int16 samples to stdout. It
imports neither TensorFlow nor the caller's main module (as `multiprocessing` would), so it starts in a moment
whatever the caller has loaded, and the caller needs no `if __name__ == "__main__"`.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, NamedTuple

import numpy as np
from tqdm import tqdm

from kws.datasets.clip import CLIP_SAMPLES
from kws.datasets.dataset_error import DatasetError
from kws.datasets.synthetic.utterance import Unspeakable, Utterance, render

_UNSPEAKABLE_EXIT_CODE = 3


def render_all(utterances: Sequence[Utterance], processes: int) -> np.ndarray:
    """The clips of `utterances`, all of one length, int16 [n, clip_samples]; the same for any number of processes.

    Raises:
      DatasetError: a word that doesn't fit into a clip or that espeak-ng can't pronounce.
      RuntimeError: a worker failed; the message has what it printed.
    """
    processes = max(1, min(processes, len(utterances)))
    length = utterances[0].clip_samples if utterances else CLIP_SAMPLES
    clips = np.empty((len(utterances), length), np.int16)
    workers = [_start() for _ in range(processes)]
    threads: list[threading.Thread] = []
    try:
        with tqdm(total=len(utterances), desc="speak", unit="clip", file=sys.stderr, disable=None) as bar:
            for share, worker in enumerate(workers):
                work = (worker, utterances[share::processes], clips[share::processes], bar)
                threads.append(threading.Thread(target=_converse, args=work))
                threads[-1].start()
            for thread in threads:
                thread.join()
        for worker in workers:
            _check(worker)
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.spoken.close()
            worker.complaint.close()
    return clips


class _Worker(NamedTuple):
    """A process that speaks, and its pipes."""

    process: subprocess.Popen[bytes]
    request: IO[bytes]
    spoken: IO[bytes]
    complaint: IO[bytes]


def _start() -> _Worker:
    paths = [path for path in sys.path if path] + [os.getcwd()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "kws.datasets.synthetic.speaking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin and process.stdout and process.stderr  # pipes, as asked for
    return _Worker(process, process.stdin, process.stdout, process.stderr)


def _converse(worker: _Worker, share: Sequence[Utterance], clips: np.ndarray, bar: tqdm) -> None:
    """Gives a worker its share and fills `clips` (a view of [n, clip_samples]) until the worker ends."""
    request = json.dumps([dataclasses.asdict(utterance) for utterance in share]).encode()
    # A worker that is gone shows in what it returns and in its exit code.
    with contextlib.suppress(BrokenPipeError), worker.request:
        worker.request.write(request)
    for row in range(len(share)):
        data = worker.spoken.read(clips[row].nbytes)
        if len(data) != clips[row].nbytes:
            return
        clips[row] = np.frombuffer(data, np.int16)
        bar.update()


def _check(worker: _Worker) -> None:
    message = worker.complaint.read().decode(errors="replace").strip()
    code = worker.process.wait()
    if code == _UNSPEAKABLE_EXIT_CODE:
        raise DatasetError(f"words: {message}: a clip has one second, choose another word or a longer clip_seconds")
    if code:
        raise RuntimeError(f"a process that speaks ended with {code}: {message}")


def _work() -> None:
    utterances = [Utterance(**fields) for fields in json.load(sys.stdin)]
    try:
        for utterance in utterances:
            sys.stdout.buffer.write(render(utterance).tobytes())
            sys.stdout.buffer.flush()
    except Unspeakable as error:
        print(error, file=sys.stderr)
        sys.exit(_UNSPEAKABLE_EXIT_CODE)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    _work()
