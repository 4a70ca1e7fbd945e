"""A stage's checkpoints: the newest whole one is gone on from."""

import pathlib
import sys

import tensorflow as tf

_KEPT = 2


def restore(checkpoint: tf.train.Checkpoint, folder: pathlib.Path) -> tf.train.CheckpointManager:
    """Puts the newest checkpoint in `folder` that is whole, if there is one, into `checkpoint`'s variables.

    A damaged one is named on stderr and the one before is taken; where none is left, the variables stay as they are.

    Returns:
      What saves the next ones there: the two newest are kept.
    """
    manager = _manager(checkpoint, folder)
    for path in _newest_first(folder):
        reason = _damage(path)
        if reason is None:
            checkpoint.restore(path).assert_existing_objects_matched().expect_partial()
            break
        print(f"warning: {path} is damaged ({reason}): going on from the one before it", file=sys.stderr)
    return manager


def _manager(checkpoint: tf.train.Checkpoint, folder: pathlib.Path) -> tf.train.CheckpointManager:
    try:
        return tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=_KEPT)
    except UnicodeDecodeError:
        # The list that TensorFlow keeps of its checkpoints is damaged; it is written anew with the next one.
        (folder / "checkpoint").unlink()
        return tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=_KEPT)


def _newest_first(folder: pathlib.Path) -> list[str]:
    """Prefixes of the checkpoints' files; other files, such as a copy that a person made, are left alone."""
    found = {path.stem.removeprefix("ckpt-"): path.with_suffix("") for path in folder.glob("ckpt-*.index")}
    numbers = sorted((int(number) for number in found if number.isdecimal()), reverse=True)
    return [str(found[str(number)]) for number in numbers]


def _damage(path: str) -> str | None:
    """Why a checkpoint can't be read; None for a whole one. Checked before any variable is touched."""
    try:
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception as error:  # TensorFlow's reader turns its statuses into many kinds, IndexError among them
        return str(error).splitlines()[0][:100]
    return None
