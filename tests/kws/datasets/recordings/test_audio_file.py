"""Decoding: every format, depth, rate and channel count gives the same 440 Hz tone; damage gives a reason."""

import os
import pathlib
import struct
import wave

import numpy as np
import pytest
import soundfile

from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import audio_file

# Made by LAME: 0.5 s at 44.1 kHz, left -6 dB, right -12 dB of full scale.
_MP3 = pathlib.Path(__file__).parent / "tone_440hz_44100hz_stereo.mp3"
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")


def _stereo(rate: int, seconds: float = 0.5) -> np.ndarray:
    """float [n, 2]: a tone on the left, half of it on the right."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return np.stack([tone, tone / 2], axis=1)


def _codes(samples: np.ndarray, bits: int = 16) -> np.ndarray:
    return np.rint(samples * (2 ** (bits - 1) - 1)).astype(np.int64)


def _check(samples: np.ndarray, tolerance: float = 0.02) -> None:
    """The tone: 440 Hz, and the average of both channels in level (0.375 of full scale)."""
    assert samples.dtype == np.int16
    middle = samples[len(samples) // 2 - 2000 : len(samples) // 2 + 2000] / 32768
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(4000)))
    assert abs(np.argmax(spectrum) * 4 - 440) <= 4
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.375 / np.sqrt(2), rel=tolerance)


def _write_wav(path: pathlib.Path, data: bytes, rate: int, width: int, channels: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data


def _wav(tag: int, rate: int, bits: int, data: bytes, channels: int = 1, extension: bytes = b"") -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + extension
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", data)
    return _chunk(b"RIFF", body)


def _extensible(tag: int, bits: int, valid_bits: int, data: bytes) -> bytes:
    extension = struct.pack("<HHIH", 22, valid_bits, 4, tag) + _SUBFORMAT
    return _wav(_EXTENSIBLE, 16000, bits, data, extension=extension)


def _integers(codes: np.ndarray, width: int) -> bytes:
    return b"".join(int(code).to_bytes(width, "little", signed=True) for code in codes.ravel())


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_integer_wav_of_every_depth(tmp_path: pathlib.Path, width: int) -> None:
    codes = _codes(_stereo(16000), 8 * width)
    data = (codes + 128).astype(np.uint8).tobytes() if width == 1 else _integers(codes, width)
    _write_wav(tmp_path / "tone.wav", data, 16000, width, 2)
    samples = audio_file.read(tmp_path / "tone.wav")
    assert len(samples) == 8000
    _check(samples)
    exact = np.mean(codes / 2.0 ** (8 * width - 1), axis=1) * 32768
    np.testing.assert_array_equal(samples, np.rint(exact).astype(np.int16))


def test_extensible_wav_of_every_kind(tmp_path: pathlib.Path) -> None:
    """32-bit integers are told from floats, whatever share of the bits is valid."""
    tone = _stereo(16000)[:, 0]
    expected = np.rint(_codes(tone, 32) / 2.0**16)
    for name, content in {
        "16": _extensible(_PCM, 16, 16, _codes(tone).astype("<i2").tobytes()),
        "24": _extensible(_PCM, 24, 24, _integers(_codes(tone, 24), 3)),
        "32": _extensible(_PCM, 32, 32, _codes(tone, 32).astype("<i4").tobytes()),
        "24 in 32": _extensible(_PCM, 32, 24, (_codes(tone, 24) << 8).astype("<i4").tobytes()),
        "float": _extensible(_FLOAT, 32, 32, tone.astype("<f4").tobytes()),
        "double": _extensible(_FLOAT, 64, 64, tone.astype("<f8").tobytes()),
    }.items():
        (tmp_path / name).write_bytes(content)
        samples = audio_file.read(tmp_path / name)
        assert len(samples) == 8000 and np.max(np.abs(samples - expected)) <= 1, name


LOSSLESS = {
    "wav": ("WAV", "PCM_16", "LITTLE"),
    "rifx": ("WAV", "PCM_16", "BIG"),
    "extensible": ("WAVEX", "PCM_24", "FILE"),
    "float": ("WAV", "FLOAT", "FILE"),
    "double": ("WAV", "DOUBLE", "FILE"),
    "rf64": ("RF64", "PCM_16", "FILE"),
    "w64": ("W64", "PCM_32", "FILE"),
    "aiff": ("AIFF", "PCM_16", "FILE"),
    "aifc": ("AIFF", "FLOAT", "FILE"),
    "au": ("AU", "PCM_16", "FILE"),
    "caf": ("CAF", "PCM_24", "FILE"),
    "flac": ("FLAC", "PCM_16", "FILE"),
    "flac24": ("FLAC", "PCM_24", "FILE"),
}
# The tolerance of the tone's level.
LOSSY = {
    "ulaw": ("WAV", "ULAW", 44100, 0.03),
    "alaw": ("WAV", "ALAW", 8000, 0.03),
    "ima": ("WAV", "IMA_ADPCM", 22050, 0.03),
    "ms": ("WAV", "MS_ADPCM", 16000, 0.03),
    "ogg": ("OGG", "VORBIS", 44100, 0.05),
    "opus": ("OGG", "OPUS", 48000, 0.05),
    "mp3": ("MP3", "MPEG_LAYER_III", 44100, 0.05),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_same_samples(tmp_path: pathlib.Path, name: str) -> None:
    form, subtype, endian = LOSSLESS[name]
    codes = _codes(_stereo(16000))[:, 0].astype(np.int16)
    soundfile.write(tmp_path / name, codes / 32768, 16000, subtype, endian, form)
    np.testing.assert_array_equal(audio_file.read(tmp_path / name), codes)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_give_the_tone(tmp_path: pathlib.Path, name: str) -> None:
    form, subtype, rate, tolerance = LOSSY[name]
    soundfile.write(tmp_path / name, _stereo(rate), rate, subtype, format=form)
    samples = audio_file.read(tmp_path / name)
    # Encoders fill their last frame.
    assert 7999 <= len(samples) <= 8000 + 1500
    _check(samples, tolerance)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_flac_stereo_of_every_rate(tmp_path: pathlib.Path, rate: int) -> None:
    soundfile.write(tmp_path / "tone.flac", _stereo(rate), rate)
    samples = audio_file.read(tmp_path / "tone.flac")
    assert abs(len(samples) - 8000) <= 1
    _check(samples)


def test_mp3_of_lame_alone_and_in_wav(tmp_path: pathlib.Path) -> None:
    _check(audio_file.read(_MP3), tolerance=0.05)
    extension = struct.pack("<HHIHHH", 12, 1, 2, 417, 1, 1393)
    form = struct.pack("<HHIIHH", 0x55, 2, 44100, 16000, 1, 0) + extension
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", _MP3.read_bytes())
    (tmp_path / "mp3.wav").write_bytes(_chunk(b"RIFF", body))
    _check(audio_file.read(tmp_path / "mp3.wav"), tolerance=0.05)


def test_mp3_cut_between_two_frames(tmp_path: pathlib.Path) -> None:
    """A segment of a stream begins with a frame that leans on what is not there."""
    soundfile.write(tmp_path / "a.mp3", _stereo(44100, 1.5), 44100, format="MP3", bitrate_mode="CONSTANT")
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(content[content.index(content[:2], len(content) // 3) :])
    _check(audio_file.read(tmp_path / "a.mp3"), tolerance=0.05)


def test_mp3_is_the_same_in_blocks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame leans on those before it: with a seek between two blocks it is lost."""
    noise = np.random.default_rng(0).normal(0, 0.1, 16000) * np.linspace(0, 1, 16000) ** 4
    soundfile.write(tmp_path / "a.mp3", noise, 16000, format="MP3", bitrate_mode="VARIABLE", compression_level=0.9)
    whole, _ = soundfile.read(tmp_path / "a.mp3")
    monkeypatch.setattr(audio_file, "_BLOCK_SAMPLES", 500)
    assert np.max(np.abs(audio_file.read(tmp_path / "a.mp3") - whole * 32768)) <= 1


def test_the_fast_way_gives_the_decoders_samples(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cases = [(rate, channels) for rate in (16000, 44100) for channels in (1, 2, 6)]
    for rate, channels in cases:
        data = rng.integers(-32768, 32768, 9000 * channels).astype("<i2").tobytes()
        _write_wav(tmp_path / f"{rate}_{channels}.wav", data, rate, 2, channels)
    fast = [audio_file.read(tmp_path / f"{rate}_{channels}.wav") for rate, channels in cases]
    monkeypatch.setattr(audio_file, "_read_plain_wav", lambda file: None)
    for (rate, channels), samples in zip(cases, fast, strict=True):
        np.testing.assert_array_equal(audio_file.read(tmp_path / f"{rate}_{channels}.wav"), samples)


def test_a_high_tone_does_not_fold_into_the_band(tmp_path: pathlib.Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 10000 * np.arange(44100) / 44100)
    _write_wav(tmp_path / "high.wav", np.rint(tone * 32767).astype("<i2").tobytes(), 44100, 2, 1)
    samples = audio_file.read(tmp_path / "high.wav")
    assert np.max(np.abs(samples[1000:-1000])) < 10


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_a_recording_of_another_rate_does_not_come_late(tmp_path: pathlib.Path, rate: int) -> None:
    click = np.zeros(rate, np.int16)
    click[rate // 2] = 32767
    _write_wav(tmp_path / "click.wav", click.tobytes(), rate, 2, 1)
    power = np.square(audio_file.read(tmp_path / "click.wav"), dtype=np.float64)
    centre = np.sum(power * np.arange(len(power))) / np.sum(power)
    assert abs(centre / 16000 - (rate // 2) / rate) < 1e-4


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF - 36, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_size_that_was_not_known_or_never_written(tmp_path: pathlib.Path, size: int, width: int) -> None:
    """Pipes and recorders that lost power: in both places, or in the samples' alone."""
    codes = _codes(_stereo(16000)[:, 0], 8 * width)
    content = bytearray(_wav(_PCM, 16000, 8 * width, _integers(codes, width)))
    struct.pack_into("<I", content, 40, size)
    for riff_size in (len(content) - 8, size, 36):
        struct.pack_into("<I", content, 4, riff_size)
        (tmp_path / "pipe.wav").write_bytes(content)
        samples = audio_file.read(tmp_path / "pipe.wav")
        assert len(samples) == 8000 and np.max(np.abs(samples - codes / 2.0 ** (8 * width - 16))) <= 0.5


def test_a_header_that_lies_about_its_number_of_samples_allocates_nothing(tmp_path: pathlib.Path) -> None:
    soundfile.write(tmp_path / "a.flac", _stereo(16000), 16000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    # STREAMINFO's 36 bits, 2**36 - 1 samples of two channels: a tebibyte of float64.
    content[21] |= 0x0F
    content[22:26] = b"\xff\xff\xff\xff"
    (tmp_path / "a.flac").write_bytes(content)
    _check(audio_file.read(tmp_path / "a.flac"))


@pytest.mark.parametrize(("rate", "read"), [(0, False), (3999, False), (4000, True), (384000, True), (384001, False)])
def test_rates_are_bounded(tmp_path: pathlib.Path, rate: int, read: bool) -> None:
    (tmp_path / "plain.wav").write_bytes(_wav(_PCM, rate, 16, bytes(2 * 4000)))
    (tmp_path / "float.wav").write_bytes(_wav(_FLOAT, rate, 32, bytes(4 * 4000)))
    for name in ("plain.wav", "float.wav"):
        if read:
            assert len(audio_file.read(tmp_path / name)) == -(-4000 * 16000 // rate)
            continue
        # libsndfile opens no file of 0 Hz.
        reason = "damaged" if rate == 0 and name == "float.wav" else f"says {rate} samples per second, expected 4000 to"
        with pytest.raises(audio_file.NotAudio, match=reason):
            audio_file.read(tmp_path / name)


def test_damage_is_named(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    tone = _stereo(44100)
    soundfile.write(tmp_path / "half.flac", tone, 44100)
    flac = (tmp_path / "half.flac").read_bytes()
    files = {
        "nan.wav": (_wav(_FLOAT, 16000, 32, np.full(100, np.nan, "<f4").tobytes()), "not audio"),
        "loud.wav": (_wav(_FLOAT, 16000, 32, np.full(100, 64.5, "<f4").tobytes()), "not audio"),
        "empty.flac": (b"", "the file is empty"),
        "text.wav": (
            b"no audio, whatever its name says",
            "not a WAV, AIFF, FLAC, MP3, M4A/AAC, Ogg, Opus, WebM, AMR or WMA file",
        ),
        "one_byte.wav": (b"R", "not a WAV"),
        "half.flac": (flac[: len(flac) // 2], "damaged"),
        "half.mp3": (_MP3.read_bytes()[:60], "damaged"),
        "zeros.mp3": (_wav(0x55, 16000, 8, bytes(4000), extension=bytes(14)), "damaged"),
        "head.ogg": (b"OggS" + bytes(60), "damaged"),
        "no_channels.wav": (_wav(_PCM, 16000, 16, bytes(64), channels=0), "damaged"),
        "no_samples.wav": (_chunk(b"RIFF", b"WAVE" + _chunk(b"fmt ", bytes(16))), "damaged"),
        "phone.m4a": (b"\0\0\0\x1cftypM4A " + bytes(200), "damaged or cut short"),
        "minus_one.raw": (b"\xff" * 4000, "not a WAV"),
    }
    for name, (content, reason) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(audio_file.NotAudio, match=reason) as refused:
            audio_file.read(tmp_path / name)
        assert isinstance(refused.value, DatasetError) and "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_the_decoders_own_words_are_not_printed(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it writes about a damaged MP3, and that standard error is there again afterwards."""
    damaged = bytearray(_MP3.read_bytes())
    damaged[2000:2600] = bytes(600)
    (tmp_path / "damaged.mp3").write_bytes(damaged)
    soundfile.read(tmp_path / "damaged.mp3")
    assert "mpg123" in (said := capfd.readouterr().err) or "Note: " in said
    audio_file.read(tmp_path / "damaged.mp3")
    os.write(2, b"afterwards")
    assert capfd.readouterr() == ("", "afterwards")


def test_truncated_wav_is_refused(tmp_path: pathlib.Path) -> None:
    for width, left in ((1, 500), (2, 750), (3, 833), (4, 875)):
        _write_wav(tmp_path / "tone.wav", bytes(1000 * width), 16000, width, 1)
        whole = (tmp_path / "tone.wav").read_bytes()
        (tmp_path / "tone.wav").write_bytes(whole[:-500])
        with pytest.raises(audio_file.NotAudio, match=f"truncated: {left} of 1000 samples"):
            audio_file.read(tmp_path / "tone.wav")
    (tmp_path / "float.wav").write_bytes(_wav(_FLOAT, 16000, 32, bytes(4000))[:-4])
    with pytest.raises(audio_file.NotAudio, match="truncated: 999 of 1000 samples"):
        audio_file.read(tmp_path / "float.wav")
    _write_wav(tmp_path / "nothing.wav", b"", 16000, 2, 1)
    with pytest.raises(audio_file.NotAudio, match="no samples"):
        audio_file.read(tmp_path / "nothing.wav")


def test_a_file_that_can_not_be_read_says_why(tmp_path: pathlib.Path) -> None:
    with pytest.raises(audio_file.NotAudio, match="it can't be read: No such file"):
        audio_file.read(tmp_path / "none.wav")
    with pytest.raises(audio_file.NotAudio, match="it can't be read: Is a directory"):
        audio_file.read(tmp_path)


@pytest.mark.parametrize("name", ["größe.flac", "two words.flac", 'it\'s "on".flac', "\udcff.flac", "a.raw", "-"])
def test_names_do_not_matter(tmp_path: pathlib.Path, name: str) -> None:
    soundfile.write(tmp_path / "plain", _stereo(16000), 16000, format="FLAC")
    (tmp_path / "plain").rename(tmp_path / name)
    _check(audio_file.read(tmp_path / name))
