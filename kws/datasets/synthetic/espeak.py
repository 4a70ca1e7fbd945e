"""Speech from text through espeak-ng, as the PyPI package espeakng-loader ships it (library and voices).

The library keeps state between utterances (noise, glottal phase), so that what a word sounds like would depend on what
was spoken before it. Here every utterance is spoken by a freshly loaded copy with a given seed: about 5 ms more,
and any clip of a dataset can be made alone, in any order and process, to the bit.
"""

import _ctypes
import ctypes
from collections.abc import Sequence

import espeakng_loader
import numpy as np

RATE = 22050
# espeak-ng's speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
# Nor length, nor marks of variants.
_WITHOUT_STRESS = str.maketrans("", "", "',%=_:;|#2")
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str, *, rate: int, pitch: int, pitch_range: int, seed: int) -> np.ndarray:
    """Speaks `text`.

    Args:
      text: a word or a few, in the voice's language.
      voice: `<language>+<variant>`, e.g. "en-us+f3".
      rate: words per minute, 80 to 450.
      pitch: base pitch, 0 to 100; 50 is the voice's own.
      pitch_range: 0 (monotone) to 100; 50 is the voice's own.
      seed: of the noise in the voice.

    Returns:
      int16 [n] mono at 22,050 Hz.

    Raises:
      RuntimeError: the library refuses to work or doesn't know the voice.
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        return _speak(library, text, voice, rate, pitch, pitch_range, seed)
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def phonemes(texts: Sequence[str], voice: str) -> list[str]:
    """What each text is pronounced as, in espeak-ng's phonemes, without stress.

    Raises:
      RuntimeError: as `speak`.
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    try:
        _start(library)
        _set_voice(library, voice)
        return [_phonemes(library, text) for text in texts]
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def _phonemes(library: ctypes.CDLL, text: str) -> str:
    left, parts = ctypes.c_char_p(text.encode()), []
    # A clause at a time.
    while left.value is not None:
        parts.append((library.espeak_TextToPhonemes(ctypes.byref(left), _CHARS_UTF8, 0) or b"").decode())
    return "".join(" ".join(parts).split()).translate(_WITHOUT_STRESS)


def _start(library: ctypes.CDLL) -> None:
    data = espeakng_loader.get_data_path().encode()
    found = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, _INITIALIZE_DONT_EXIT)
    if found != RATE:
        raise RuntimeError(f"espeak-ng starts with {found}, expected {RATE} Hz: reinstall espeakng-loader")


def _set_voice(library: ctypes.CDLL, voice: str) -> None:
    status = library.espeak_SetVoiceByName(voice.encode())
    if status:
        raise RuntimeError(f"espeak-ng has no voice {voice!r} (status {status})")


def _speak(
    library: ctypes.CDLL, text: str, voice: str, rate: int, pitch: int, pitch_range: int, seed: int
) -> np.ndarray:
    chunks: list[np.ndarray] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int | None) -> int:
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _CALLBACK(collect)
    _start(library)
    library.espeak_SetSynthCallback(callback)
    library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
    _set_voice(library, voice)
    parameters = ((_PARAMETER_RATE, rate), (_PARAMETER_PITCH, pitch), (_PARAMETER_RANGE, pitch_range))
    for parameter, value in parameters:
        library.espeak_SetParameter(parameter, value, 0)
    encoded = text.encode()
    status = library.espeak_Synth(
        encoded, ctypes.c_size_t(len(encoded) + 1), 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
    )
    if status:
        raise RuntimeError(f"espeak-ng can't speak {text!r} (status {status})")
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
