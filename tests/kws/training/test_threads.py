"""TensorFlow's threads, each case in a process of its own: they are settled by the first computation."""

import subprocess
import sys


def run(code: str) -> subprocess.CompletedProcess[str]:
    lines = "import tensorflow as tf; from kws.training import threads\n" + code
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False)


def test_the_limit_is_tensorflows() -> None:
    done = run("threads.limit(3); tf.ones(2); print(tf.config.threading.get_intra_op_parallelism_threads())")
    assert done.stdout.strip() == "3", done.stderr


def test_a_limit_that_comes_too_late_is_an_error() -> None:
    done = run("tf.ones(2); threads.limit(3)")
    assert done.returncode != 0 and "RuntimeError" in done.stderr
