"""Long recordings in which no keyword is said, and the impulse responses of rooms: a folder of sound files."""

from kws.datasets.negatives.folder import KINDS, OTHER, Recording, hours_by_kind, recordings
from kws.datasets.negatives.rooms import ImpulseResponse, impulse_responses, reverberate, synthetic

__all__ = [
    "KINDS",
    "OTHER",
    "ImpulseResponse",
    "Recording",
    "hours_by_kind",
    "impulse_responses",
    "recordings",
    "reverberate",
    "synthetic",
]
