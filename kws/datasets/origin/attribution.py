"""Where each dataset comes from and under which licence, for model cards."""

_SPOKEN = {"source": "spoken by espeak-ng; no recording of a person"}

_SPEECH_COMMANDS = {
    "licence": "CC BY 4.0",
    "attribution": "P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, arXiv:1804.03209",
}

ATTRIBUTION = {
    "speech_commands": _SPEECH_COMMANDS,
    "mini_speech_commands": _SPEECH_COMMANDS,
    "synthetic": _SPOKEN,
    "folder": {"source": "the user's own recordings"},
}

NEGATIVES_OF_ONES_OWN = {"source": "the user's own recordings without keywords"}
SPOKEN_NEGATIVES = _SPOKEN
