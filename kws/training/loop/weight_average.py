"""An exponential moving average of a model's weights, which smooths the last steps of training."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


class WeightAverage(tf.Module):
    """The average of all of a model's float variables, batch normalization's statistics included.

    After step n, `average += (1 - m) * (variable - average)` with `m = min(momentum, n / (9 + n))`: a plain start would
    hold the initial weights for 1 / (1 - momentum) steps. Source of the warm-up: `tf.train.ExponentialMovingAverage`.
    A checkpoint may hold it, which makes a resumed training exact.
    """

    def __init__(self, model: tf.keras.Model, momentum: float) -> None:
        """Starts from the model's present weights.

        Raises:
          ValueError: momentum is not in (0, 1).
        """
        super().__init__()
        if not 0 < momentum < 1:
            raise ValueError(f"momentum={momentum}: expected more than 0 and less than 1")
        self._momentum = momentum
        # A tfmot wrapper lists a variable twice.
        variables = {variable.ref(): variable for variable in model.variables if variable.dtype.is_floating}
        self._variables = tuple(variables.values())
        self._averages = tuple(tf.Variable(variable, trainable=False) for variable in self._variables)
        self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    def update(self) -> None:
        """Takes the model's present weights into the average; call it after each step, also within a `tf.function`."""
        steps = tf.cast(self._steps.assign_add(1), tf.float32)
        momentum = tf.minimum(self._momentum, steps / (9.0 + steps))
        for variable, average in zip(self._variables, self._averages, strict=True):
            average.assign_add((1.0 - momentum) * (variable - average))

    def settle(self) -> None:
        """Gives the model the average as its weights."""
        for variable, average in zip(self._variables, self._averages, strict=True):
            variable.assign(average)

    @contextlib.contextmanager
    def settled(self) -> Iterator[None]:
        """Within it the model has the average as its weights; after it, its own again, bit for bit."""
        own = [variable.numpy() for variable in self._variables]
        self.settle()
        try:
            yield
        finally:
            for variable, value in zip(self._variables, own, strict=True):
                variable.assign(value)
