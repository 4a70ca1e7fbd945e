"""Decoding: every format, depth, rate and channel count gives the same 440 Hz tone; damage gives a reason."""

import pathlib
import struct
import wave

import numpy as np
import pytest

from kws.datasets import audio_file
from kws.datasets.clip import CLIP_SAMPLES

# Made by LAME: 0.5 s at 44.1 kHz, left -6 dB, right -12 dB of full scale.
_MP3 = pathlib.Path(__file__).parent / "tone_440hz_44100hz_stereo.mp3"


def _stereo(rate: int, seconds: float = 0.5) -> np.ndarray:
    """float [n, 2]: a tone on the left, half of it on the right."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return np.stack([tone, tone / 2], axis=1)


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


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_integer_wav_of_every_depth(tmp_path: pathlib.Path, width: int) -> None:
    codes = np.rint(_stereo(16000) * (2 ** (8 * width - 1) - 1)).astype(np.int64)
    if width == 1:
        data = (codes + 128).astype(np.uint8).tobytes()
    else:
        data = b"".join(int(code).to_bytes(width, "little", signed=True) for code in codes.ravel())
    _write_wav(tmp_path / "tone.wav", data, 16000, width, 2)
    samples = audio_file.read(tmp_path / "tone.wav")
    assert len(samples) == 8000
    _check(samples)


def _write_float_wav(path: pathlib.Path, samples: np.ndarray, rate: int) -> None:
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHH", 3, samples.shape[1], rate, rate * 4 * samples.shape[1], 4 * samples.shape[1], 32)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_flac_stereo_of_every_rate(tmp_path: pathlib.Path, rate: int) -> None:
    import tensorflow_io as tfio

    codes = np.rint(_stereo(rate) * 32767).astype(np.int16)
    (tmp_path / "tone.flac").write_bytes(tfio.audio.encode_flac(codes, rate).numpy())
    samples = audio_file.read(tmp_path / "tone.flac")
    assert abs(len(samples) - 8000) <= 1
    _check(samples)


@pytest.mark.slow
def test_ogg_mp3_and_float_wav(tmp_path: pathlib.Path) -> None:
    import tensorflow_io as tfio

    stereo = _stereo(44100)
    (tmp_path / "tone.ogg").write_bytes(tfio.audio.encode_vorbis(stereo.astype(np.float32), 44100).numpy())
    _check(audio_file.read(tmp_path / "tone.ogg"), tolerance=0.05)
    _check(audio_file.read(_MP3), tolerance=0.05)
    _write_float_wav(tmp_path / "tone.wav", stereo, 44100)
    _check(audio_file.read(tmp_path / "tone.wav"))


@pytest.mark.slow
def test_a_high_tone_does_not_fold_into_the_band(tmp_path: pathlib.Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 10000 * np.arange(44100) / 44100)
    _write_wav(tmp_path / "high.wav", np.rint(tone * 32767).astype("<i2").tobytes(), 44100, 2, 1)
    samples = audio_file.read(tmp_path / "high.wav")
    assert np.max(np.abs(samples[1000:-1000])) < 10


@pytest.mark.slow
def test_damage_is_named(tmp_path: pathlib.Path) -> None:
    import tensorflow_io as tfio

    flac = tfio.audio.encode_flac(np.rint(_stereo(44100) * 32767).astype(np.int16), 44100).numpy()
    _write_float_wav(tmp_path / "nan.wav", np.full((100, 1), np.nan), 16000)
    (tmp_path / "empty.flac").touch()
    (tmp_path / "text.wav").write_text("this is no audio, whatever its name says")
    (tmp_path / "half.flac").write_bytes(flac[: len(flac) // 2])
    (tmp_path / "half.mp3").write_bytes(_MP3.read_bytes()[:60])
    (tmp_path / "head.ogg").write_bytes(b"OggS" + bytes(60))
    expected = {
        "nan.wav": "not audio",
        "empty.flac": "empty",
        "text.wav": "not a WAV, FLAC, MP3 or Ogg Vorbis file",
        "half.flac": "damaged",
        "half.mp3": "not a WAV, FLAC, MP3",
        "head.ogg": "damaged",
    }
    for name, reason in expected.items():
        with pytest.raises(audio_file.NotAudio, match=reason):
            audio_file.read(tmp_path / name)


def test_truncated_wav_is_refused(tmp_path: pathlib.Path) -> None:
    _write_wav(tmp_path / "tone.wav", bytes(2000), 16000, 2, 1)
    whole = (tmp_path / "tone.wav").read_bytes()
    (tmp_path / "tone.wav").write_bytes(whole[:-500])
    with pytest.raises(audio_file.NotAudio, match="truncated: 750 of 1000 samples"):
        audio_file.read(tmp_path / "tone.wav")
    _write_wav(tmp_path / "nothing.wav", b"", 16000, 2, 1)
    with pytest.raises(audio_file.NotAudio, match="no samples"):
        audio_file.read(tmp_path / "nothing.wav")


def _sound(seconds: float) -> np.ndarray:
    return (8000 * np.sin(np.arange(int(16000 * seconds)) / 5)).astype(np.int16)


def _gap(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).integers(-20, 20, int(16000 * seconds)).astype(np.int16)


def test_cut_centres_each_sound_of_a_long_recording() -> None:
    recording = np.concatenate([_gap(2), _sound(0.5), _gap(1), _sound(0.3), _gap(0.1), _sound(0.3), _gap(2)])
    clips = audio_file.cut(recording)
    assert len(clips) == 2
    for clip, length in zip(clips, (0.5, 0.7), strict=True):
        loud = np.flatnonzero(np.abs(clip) > 1000)
        assert abs((loud[0] + loud[-1]) / 2 - CLIP_SAMPLES / 2) < 400
        assert loud[-1] - loud[0] == pytest.approx(16000 * length, abs=50)


def test_cut_divides_a_sound_that_lasts_longer_than_a_clip() -> None:
    clips = audio_file.cut(np.concatenate([_gap(1), _sound(2.5), _gap(1)]))
    assert len(clips) == 3
    assert all(np.mean(np.abs(clip)) > 4000 for clip in clips)


def test_cut_ignores_clicks_and_silence() -> None:
    click = np.concatenate([_gap(1), _sound(0.02), _gap(1), _sound(0.4), _gap(1)])
    assert len(audio_file.cut(click)) == 1
    assert audio_file.cut(np.zeros(50000, np.int16)) == []
    assert audio_file.cut(np.zeros(500, np.int16)) == []
    assert audio_file.cut(np.ones(50000, np.int16)) == []
    assert len(audio_file.cut(np.ones(500, np.int16))) == 1
    assert [clip.shape for clip in audio_file.grid(np.zeros(50000, np.int16))] == [(CLIP_SAMPLES,)] * 3
