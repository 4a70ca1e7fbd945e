"""Parameters of the front end, and the Q-format of the features: what a bundle says about its input."""

import dataclasses
import hashlib
import json
from typing import Any

from export.model.model_error import ModelError
from quant.qformat import QFormat

INPUT_FORMAT = QFormat(bits=8, fraction_bits=5)


LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Hz: those of recordings that are read."""


@dataclasses.dataclass(frozen=True)
class FrontEndConfig:
    """All that decides a feature's code.

    Attributes:
      sample_rate: in Hz.
      clip_samples: samples of one clip.
      window_samples: samples of one window.
      hop_samples: samples from one window to the next.
      fft_length: points of the FFT, a power of two; a longer window is folded onto it (the spectrum of the whole
        window at `fft_length` frequencies).
      mel_bands: triangular filters, equally spaced in mel from `mel_low_hz` to `mel_high_hz`.
      mel_low_hz: lower edge of the first filter.
      mel_high_hz: upper edge of the last filter.
      coefficients: MFCC per frame, the first of them the log energy.
      floor_bits: the log of band energy e is log2(e + 2**floor_bits) - floor_bits, e in units of the spectrum.
      offsets: what is subtracted from each MFCC, in units of `kws.frontend.mfcc`; empty before calibration.
      shifts: the right shift that turns each MFCC into a code; empty before calibration.
    """

    sample_rate: int = 16000
    clip_samples: int = 16000
    window_samples: int = 640
    hop_samples: int = 320
    fft_length: int = 512
    mel_bands: int = 40
    mel_low_hz: int = 20
    mel_high_hz: int = 7600
    coefficients: int = 10
    floor_bits: int = 14
    offsets: tuple[int, ...] = ()
    shifts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            numbers = value if field.name in ("offsets", "shifts") else (value,)
            if not isinstance(numbers, tuple) or not all(type(number) is int for number in numbers):
                raise ValueError(f"{field.name}={value!r}: expected {'a tuple of ' if numbers is value else ''}int")
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            raise ValueError(f"sample_rate={self.sample_rate}: expected {LOWEST_RATE} to {HIGHEST_RATE}")
        if self.fft_length & (self.fft_length - 1) or not 32 <= self.fft_length <= 8192:
            raise ValueError(f"fft_length={self.fft_length}: expected a power of two from 32 to 8192")
        if not self.hop_samples <= self.window_samples <= 2 * self.fft_length:
            raise ValueError(
                f"window_samples={self.window_samples}: expected hop_samples (={self.hop_samples}) to twice "
                f"fft_length (={self.fft_length})"
            )
        if self.hop_samples < 1 or self.clip_samples < self.window_samples:
            raise ValueError(f"hop_samples={self.hop_samples}, clip_samples={self.clip_samples}: no frame fits")
        if not 0 <= self.mel_low_hz < self.mel_high_hz <= self.sample_rate // 2:
            raise ValueError(
                f"mel_low_hz={self.mel_low_hz}, mel_high_hz={self.mel_high_hz}: expected 0 <= low < high <= "
                f"{self.sample_rate // 2}"
            )
        if not 0 < self.coefficients <= self.mel_bands <= 40:
            raise ValueError(
                f"coefficients={self.coefficients}, mel_bands={self.mel_bands}: expected coefficients <= bands <= 40"
            )
        if not 10 <= self.floor_bits <= 24:
            raise ValueError(f"floor_bits={self.floor_bits}: expected 10 to 24")
        if len(self.offsets) != len(self.shifts) or len(self.offsets) not in (0, self.coefficients):
            raise ValueError(
                f"{len(self.offsets)} offsets and {len(self.shifts)} shifts: expected none or {self.coefficients} each"
            )
        if not all(1 <= shift <= 30 for shift in self.shifts):
            raise ValueError(f"shifts={self.shifts}: expected 1 to 30")
        if not all(abs(offset) < 2**30 for offset in self.offsets):
            raise ValueError(f"offsets={self.offsets}: expected magnitudes below 2**30")

    @property
    def frames(self) -> int:
        """Frames of one clip."""
        return 1 + (self.clip_samples - self.window_samples) // self.hop_samples

    @property
    def calibrated(self) -> bool:
        return bool(self.shifts)

    @property
    def sha256(self) -> str:
        """Hash of all parameters, the calibration included."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The parameters as JSON values; `from_json` reads them back."""
        fields = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}

    @staticmethod
    def from_json(data: Any) -> "FrontEndConfig":
        """Reads `to_json`'s result.

        Raises:
          ModelError: not an object with exactly the known parameters, or a value out of range.
        """
        if not isinstance(data, dict):
            raise ModelError(f"front-end parameters: expected a JSON object, found {type(data).__name__}")
        known = {field.name for field in dataclasses.fields(FrontEndConfig)}
        if set(data) != known:
            odd = sorted(set(data) ^ known)
            raise ModelError(f"front-end parameters: {', '.join(odd)} missing or unknown; train and convert again")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        try:
            return FrontEndConfig(**values)
        except ValueError as error:
            raise ModelError(f"front-end parameters: {error}") from error


def input_format() -> QFormat:
    """The Q-format of the network's input, that is of every feature code: signed, 8 bits, 5 of them fraction."""
    return INPUT_FORMAT
