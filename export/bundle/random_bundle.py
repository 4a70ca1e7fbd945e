"""Writes a bundle of a random model: counts and proofs of any width without training. It recognizes nothing.

Its detector is `export.model.detector.default`, which nobody tuned.

python -m export.random_bundle --bundle=B --weight_bits=4 --activation_bits=4
"""

import dataclasses
import pathlib

import numpy as np

from export.bundle import detector_file, generated_c, model_card, tflite
from export.bundle import folder as bundles
from export.bundle import manifest as manifests
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model import float_model, random_model
from export.model.frontend_config import FrontEndConfig
from export.model.integer_model import AVERAGE_POOL
from export.plan import PROFILES
from quant.qformat import MAX_BITS, MIN_BITS

# Of speech: about what training chooses.
_OFFSETS = (140 << 20, 32 << 20, 2 << 20, 3 << 20, -4 << 20, 0, 0, 0, 0, 0)
_SHIFTS = (22, 20, 20, 19, 19, 19, 19, 18, 18, 18)
FRONTEND = FrontEndConfig(offsets=_OFFSETS, shifts=_SHIFTS)


@dataclasses.dataclass(frozen=True)
class RandomBundleConfig:
    """What to write.

    Attributes:
      bundle: the folder.
      seed: of all codes, of the model and of its inputs.
      weight_bits, activation_bits: 2 to 8.
      channels, blocks: of the DS-CNN; its other shapes are MLPerf Tiny's.
      clips: how many golden inputs.
      profile: of `export.plan`, for the C.
    """

    bundle: pathlib.Path
    seed: int = 0
    weight_bits: int = 8
    activation_bits: int = 8
    channels: int = 64
    blocks: int = 4
    clips: int = 20
    profile: str = PROFILES[0]

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            value = getattr(self, name)
            if not MIN_BITS <= value <= MAX_BITS:
                raise BundleError(f"{name}={value}: give {MIN_BITS} to {MAX_BITS}")
        for name, least in (("channels", 1), ("blocks", 0), ("clips", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise BundleError(f"{name}={getattr(self, name)}: give {least} or more")
        if self.profile not in PROFILES:
            raise BundleError(f"profile={self.profile} is unknown: choose one of {', '.join(PROFILES)}")


def write(config: RandomBundleConfig) -> Bundle:
    """Writes the bundle; it has no Keras graph and no metrics.

    Raises:
      BundleError: a model whose accumulators leave 32 bits, or a folder that can't be written.
    """
    name = f"random_w{config.weight_bits}a{config.activation_bits}_seed{config.seed}"
    model = random_model.ds_cnn(
        config.seed,
        channels=config.channels,
        blocks=config.blocks,
        weight_bits=config.weight_bits,
        activation_bits=config.activation_bits,
        name=name,
    )
    try:
        generated_c.files(model, {}, None, config.profile)
    except ValueError as error:
        raise BundleError(f"the random model can't be run: {error}; choose fewer channels") from error
    inputs = random_model.codes(config.seed, model, config.clips)
    golden = bundles.golden_vectors(
        model,
        tuple(f"codes{i}" for i in range(config.clips)),
        inputs,
        np.zeros(config.clips, np.int64),
    )
    written = bundles.write(
        config.bundle,
        model=model,
        tflite=tflite.to_tflite(model),
        golden=golden,
        frontend=FRONTEND.to_json(),
        keras_model=None,
        card=model_card.write(
            model, {}, FRONTEND.to_json(), {}, {"name": "none: the codes are random, the model recognizes nothing"}
        ),
        metrics={},
        profile=config.profile,
    )
    return bundles.add(written, detector_file.bundle_files(detectors.default(model), {}))


def write_whole(config: RandomBundleConfig) -> Bundle:
    """`write` with every part that takes no training: float weights, too, the codes as they are."""
    bundle = write(config)
    weighted = [layer for layer in bundle.model.layers if layer.op != AVERAGE_POOL]
    names = [(layer, what) for layer in weighted for what in ("kernel", "bias")]
    weights = {f"{layer.name}.{what}": getattr(layer, what).astype(np.float32) for layer, what in names}
    path = bundle.path / bundles.FLOAT_WEIGHTS
    float_model.save(weights, path)
    files = bundle.manifest["files"] | {path.name: manifests.sha256(path)}
    manifests.write(bundle.path, bundle.manifest | {"files": files})
    return bundles.load(bundle.path)
