"""A choice of kernels at random: networks that no profile would plan, and every conversion between layouts."""

import dataclasses

import numpy as np

from export.model.integer_model import Layer
from export.plan.kernel import Kernel
from export.plan.kernels import profiles
from export.plan.schedule import Profile

NAME = "mixed"


@dataclasses.dataclass(frozen=True)
class MixedChoice(Profile):
    """Kernels at random prices.

    Attributes:
      prices: of each kernel, in their order.
    """

    prices: tuple[float, ...] = ()

    def cost(self, kernel: Kernel, layer: Layer) -> float:
        """A price that has nothing to do with what the kernel takes."""
        del layer
        return self.prices[self.kernels.index(kernel)]


def draw(rng: np.random.Generator, kernels: tuple[Kernel, ...]) -> MixedChoice:
    """Some of `kernels`, and the portable ones, of which one runs any layer. Prices weigh more than conversions."""
    every = tuple(dict.fromkeys([*kernels, *profiles.PORTABLE]))
    kept = tuple(kernel for kernel in every if kernel in profiles.PORTABLE or rng.random() < 0.8)
    prices = [float(10.0 ** rng.uniform(4, 8)) * (10 if kernel in profiles.PORTABLE else 1) for kernel in kept]
    return MixedChoice(kept, prices=tuple(prices))
