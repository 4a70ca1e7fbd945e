"""What phones write is decoded by FFmpeg's libraries: each format gives the same tone; damage gives a reason."""

import pathlib
import resource
import shlex
import sys
from collections.abc import Sequence

import av
import numpy as np
import pytest

from kws.datasets.recordings import audio_file, ffmpeg_file

# Name: FFmpeg's encoder, muxer, rate, tolerance of the tone's level.
PHONES = {
    "memo.m4a": ("aac", "ipod", 44100, 0.03),
    "lossless.m4a": ("alac", "ipod", 48000, 0.01),
    "stream.aac": ("aac", "adts", 16000, 0.03),
    "browser.webm": ("libopus", "webm", 48000, 0.03),
    "video.mkv": ("pcm_s16le", "matroska", 32000, 0.01),
    "old.amr": ("libopencore_amrnb", "amr", 8000, 0.2),
    "old.3gp": ("libopencore_amrnb", "3gp", 8000, 0.2),
    "flac.ogg": ("flac", "ogg", 16000, 0.01),
    "meeting.wma": ("wmav2", "asf", 44100, 0.05),
}
SECONDS = 0.8


def _write(path: pathlib.Path, encoder: str, muxer: str, rate: int, channels: int = 1) -> None:
    """A file of 440 Hz at half of full scale."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * SECONDS)) / rate)
    layout = "stereo" if channels == 2 else "mono"
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(encoder, rate=rate, layout=layout)
        stream.codec_context.bit_rate = 12200 if "amr" in encoder else 96000
        stream.codec_context.open()
        kinds = av.AudioResampler(stream.format, layout, rate, stream.codec_context.frame_size or None)
        samples = np.repeat(np.rint(tone * 32767).astype(np.int16), channels)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "s16", layout)
        frame.sample_rate = rate
        for part in (*kinds.resample(frame), *kinds.resample(None)):
            container.mux(stream.encode(part))
        container.mux([packet for packet in stream.encode(None) if packet.size])


@pytest.fixture(scope="module", name="phones")
def _phones(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("phones")
    for name, (encoder, muxer, rate, _) in PHONES.items():
        _write(folder / name, encoder, muxer, rate)
    return folder


def _check(samples: np.ndarray, tolerance: float) -> None:
    assert samples.dtype == np.int16
    # Encoders begin and end with frames that are not full.
    assert SECONDS * 16000 - 400 <= len(samples) <= SECONDS * 16000 + 2600
    middle = samples[len(samples) // 2 - 2000 : len(samples) // 2 + 2000] / 32768
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(4000)))
    assert abs(np.argmax(spectrum) * 4 - 440) <= 4
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=tolerance)


@pytest.mark.parametrize("name", PHONES)
def test_what_phones_write_gives_the_tone(phones: pathlib.Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    _check(audio_file.read(phones / name), PHONES[name][-1])
    assert capfd.readouterr() == ("", "")


def test_stereo_is_averaged_and_the_name_does_not_matter(tmp_path: pathlib.Path) -> None:
    _write(tmp_path / 'lampe "grün" it\'s', "aac", "ipod", 44100, channels=2)
    _check(audio_file.read(tmp_path / 'lampe "grün" it\'s'), 0.03)


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, or with other bytes in its head or anywhere: sizes and counts of 4 billion among them."""
    if rng.random() < 0.3:
        return content[: rng.integers(len(content))]
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(min(len(content) - 4, rng.choice([100, 1000, 1 << 20]))))
        changed[place : place + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", rng.bytes(4)])
    return bytes(changed)


@pytest.mark.parametrize("name", PHONES)
def test_damage_is_a_reason_in_one_line_and_costs_no_memory(
    phones: pathlib.Path, name: str, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(list(PHONES).index(name))
    content, reasons = (phones / name).read_bytes(), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(25):
        (tmp_path / name).write_bytes(_damaged(content, rng))
        try:
            audio_file.read(tmp_path / name)
        except audio_file.NotAudio as reason:
            reasons.append(str(reason))
    assert len(reasons) >= 8 and not any("\n" in reason for reason in reasons)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["memo.m4a", "browser.webm"])
def test_a_copy_that_ended_early_is_refused(phones: pathlib.Path, name: str, tmp_path: pathlib.Path) -> None:
    content = (phones / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(audio_file.NotAudio, match=r"truncated: 0|damaged or cut short"):
        audio_file.read(tmp_path / name)


def test_sound_of_another_kind_is_named_with_the_command_that_converts_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "two words.mka"
    _write(path, "ac3", "matroska", 48000)
    with pytest.raises(audio_file.NotAudio) as refused:
        audio_file.read(path)
    command = shlex.join(["ffmpeg", "-i", str(path), str(path.with_suffix(".wav"))])
    assert str(refused.value) == f"its sound is in ac3 that is not read; if it is sound, this converts it: {command}"
    (tmp_path / "noise.wav").write_bytes(b"?" * 100)
    with pytest.raises(audio_file.NotAudio, match=r"not a WAV.*ffmpeg -i .*noise\.wav .*noise_converted\.wav$"):
        audio_file.read(tmp_path / "noise.wav")


def test_a_film_without_sound_is_refused_and_no_film_is_decoded(tmp_path: pathlib.Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    with pytest.raises(audio_file.NotAudio, match="there is no sound in it"):
        audio_file.read(tmp_path / "film.mp4")


def test_without_av_the_command_that_converts_is_named(phones: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(audio_file.NotAudio, match=r"needs the package av.*ffmpeg -i .*memo\.m4a .*memo\.wav"):
        audio_file.read(phones / "memo.m4a")


def test_a_playlist_opens_nothing(phones: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """FFmpeg would follow these; here a file's first bytes choose among seven demuxers."""
    lists: Sequence[bytes] = (b"ffconcat version 1.0\nfile %s\n", b"#EXTM3U\n#EXTINF:1,\n%s\n")
    for content in lists:
        (tmp_path / "list.m4a").write_bytes(content % str(phones / "memo.m4a").encode())
        with pytest.raises(audio_file.NotAudio, match="not a WAV"):
            audio_file.read(tmp_path / "list.m4a")
    assert ffmpeg_file.demuxer_of(b"#EXTM3U") is None


def test_what_would_fill_the_memory_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of silence in 20 kB; the limit is set to two seconds here."""
    with av.open(str(tmp_path / "bomb.m4a"), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        for number in range(40):
            frame.pts = 1024 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(audio_file.read(tmp_path / "bomb.m4a")) > 16000 * 5
    monkeypatch.setattr(audio_file, "_MOST_HOURS", 2 / 3600)
    with pytest.raises(audio_file.NotAudio, match=r"it lasts longer than .* hours: cut it into shorter recordings"):
        audio_file.read(tmp_path / "bomb.m4a")
