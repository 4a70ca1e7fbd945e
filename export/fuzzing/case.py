"""A model, inputs for it, and what the interpreter makes of them."""

import dataclasses
import functools
import zlib

import numpy as np

from export.fuzzing.models import legal_codes, legal_models
from export.model import interpreter
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter

_INPUTS = 10


@dataclasses.dataclass(frozen=True)
class Case:
    """What implementations are compared on.

    Attributes:
      name: what it is called in results, such as `seed 7, model 12`.
      model: the integer model.
      codes: int8 [n, height, width, channels].
      salt: of what is drawn about it later on, such as the choice of kernels.
    """

    name: str
    model: IntegerModel
    codes: np.ndarray
    salt: int = 0

    def rng(self, purpose: int) -> np.random.Generator:
        """The same numbers for the same case and purpose, also after its model was shrunk."""
        return np.random.default_rng([self.salt, purpose])

    @functools.cached_property
    def window_sums(self) -> tuple[int, ...]:
        """CRC-32 of each layer's codes over all inputs, single rounding, then of the logits."""
        outputs = [codes for _, codes in interpreter.run_layers(self.model, self.codes)]
        return tuple(crc32(codes) for codes in (*outputs, outputs[-1]))

    def stream_frames(self, frames_per_call: int) -> np.ndarray:
        """The inputs one behind the other, again where they are fewer, int8 [n * frames_per_call, frame_codes]."""
        frames = self.codes.reshape(-1, int(np.prod(self.model.input_shape[1:])))
        frames = np.concatenate([frames] * -(-frames_per_call // len(frames)))
        return frames[: len(frames) - len(frames) % frames_per_call]

    def stream_sum(self, frames_per_call: int) -> int:
        """CRC-32 of the logits of every step."""
        return crc32(StreamInterpreter(self.model).run(self.stream_frames(frames_per_call)))


def drawn(seed: int, number: int) -> Case:
    """Model `number` of a run, with its inputs."""
    rng = np.random.default_rng([seed, number])
    model = legal_models.draw(rng)
    salt = int(rng.integers(2**31))
    return Case(f"seed {seed}, model {number}", model, legal_codes.draw(salt, model, _INPUTS), salt)


def crc32(codes: np.ndarray) -> int:
    """The checksum that the C computes of the same codes."""
    return zlib.crc32(np.ascontiguousarray(codes, np.int8).tobytes())
