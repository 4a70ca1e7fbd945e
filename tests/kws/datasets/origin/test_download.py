"""Downloads against a server on this machine: resume, cuts, wrong content, and what a user reads then."""

import contextlib
import hashlib
import http.server
import io
import pathlib
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator

import pytest

from kws import datasets
from kws.datasets.dataset_error import DatasetError
from kws.datasets.origin import download
from kws.datasets.origin.download import Archive


class _Server(http.server.ThreadingHTTPServer):
    """Serves `content` at /archive; `cut` bytes end every answer early; without `ranges` a Range is ignored."""

    def __init__(self, content: bytes, cut: int | None, ranges: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.cut, self.ranges = content, cut, ranges
        self.requested: list[str | None] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requested.append(asked)
        if not self.path.startswith("/archive"):
            self.send_error(404)
            return
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut])

    def log_message(self, *_: object) -> None:
        """Keeps the test's output quiet."""


@pytest.fixture
def serve() -> Iterator[Callable[..., _Server]]:
    with contextlib.ExitStack() as stack:

        def start(content: bytes, cut: int | None = None, ranges: bool = True) -> _Server:
            server = stack.enter_context(_Server(content, cut, ranges))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return server

        yield start


def _archive(server: _Server, content: bytes, name: str = "archive.tar.gz", inside: str = "") -> Archive:
    url = f"http://127.0.0.1:{server.server_port}/{name}"
    return Archive(url, len(content), hashlib.sha256(content).hexdigest(), inside)


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


_CORPUS = {"./yes/a_nohash_0.wav": b"a" * 5000, "./validation_list.txt": b"", "./testing_list.txt": b""}


def test_fetch_and_unpack(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    content = _tar(_CORPUS)
    download.fetch_into(_archive(serve(content), content), tmp_path / "corpus")
    files = sorted(str(path.relative_to(tmp_path / "corpus")) for path in (tmp_path / "corpus").rglob("*.*"))
    assert files == ["testing_list.txt", "validation_list.txt", "yes/a_nohash_0.wav"]
    assert (tmp_path / "corpus/yes/a_nohash_0.wav").read_bytes() == b"a" * 5000


def test_a_cut_connection_is_taken_up_where_it_ended(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    content = bytes(range(256)) * 4
    server = serve(content, cut=300)
    path = download.fetch(_archive(server, content), tmp_path)
    assert path.read_bytes() == content
    assert server.requested == [None, "bytes=300-", "bytes=600-", "bytes=900-"]


def test_the_next_run_goes_on(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    content = bytes(range(256)) * 4
    server = serve(content, cut=100)
    archive = _archive(server, content)
    with pytest.raises(DatasetError, match=r"400 of 1024 bytes are there: .*run again, it goes on from there"):
        download.fetch(archive, tmp_path)
    server.cut = None
    assert download.fetch(archive, tmp_path).read_bytes() == content
    assert server.requested[-1] == "bytes=400-"


def test_a_server_without_ranges_starts_over(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    content = bytes(range(256)) * 4
    (tmp_path / "archive.tar.gz.part").write_bytes(content[:500])
    assert download.fetch(_archive(serve(content, ranges=False), content), tmp_path).read_bytes() == content


def test_wrong_content_is_removed_and_said(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    content = b"x" * 1000
    archive = _archive(serve(b"y" * 1000), content)
    with pytest.raises(DatasetError, match=r"has sha256 .* expected .* the file was removed"):
        download.fetch(archive, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DatasetError, match="longer than the published 1000 bytes"):
        download.fetch(_archive(serve(b"x" * 3_000_000), content), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_not_there_and_not_reachable(serve: Callable[..., _Server], tmp_path: pathlib.Path) -> None:
    server = serve(b"")
    with pytest.raises(DatasetError, match="HTTP 404 Not Found"):
        download.fetch(_archive(server, b"x", name="elsewhere.zip"), tmp_path)
    with pytest.raises(DatasetError, match=r"can't be fetched .*check the network"):
        download.fetch(Archive("http://127.0.0.1:1/archive.tar.gz", 10, "0" * 64), tmp_path)


def test_zip_with_an_inner_folder_and_names_that_lead_outside(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("mini/yes/a.wav", "a")
        archive.writestr("mini/../../outside.txt", "no")
        archive.writestr("__MACOSX/yes/a.wav", "no")
    download.unpack(tmp_path / "archive.zip", tmp_path / "corpus", inside="mini")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["archive.zip", "corpus/yes/a.wav"]


def test_a_damaged_archive_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(_tar(_CORPUS)[:100])
    (tmp_path / "corpus").mkdir()
    with pytest.raises(DatasetError, match="can't be unpacked"):
        download.unpack(tmp_path / "archive.tar.gz", tmp_path / "corpus")
    assert list((tmp_path / "corpus").iterdir()) == []


def test_damage_anywhere_in_an_archive_is_one_line(tmp_path: pathlib.Path) -> None:
    """Damage that its sha256 does not tell of speaks in the words of zlib, too."""
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mini/yes/a.wav", bytes(range(256)) * 40)
    whole = (tmp_path / "whole.zip").read_bytes()
    for name, content in (("x.tar.gz", _tar(_CORPUS)), ("x.zip", whole)):
        for place in range(0, len(content), max(len(content) // 60, 1)):
            damaged = bytearray(content)
            damaged[place] ^= 0x55
            (tmp_path / name).write_bytes(damaged)
            with contextlib.suppress(DatasetError):
                download.unpack(tmp_path / name, tmp_path / f"{name} {place}")


def test_a_folder_with_something_else_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "own.wav").touch()
    with pytest.raises(DatasetError, match="holds 'yes': download=True needs an empty or a new folder"):
        download.fetch_into(Archive("http://127.0.0.1:1/a.zip", 10, "0" * 64), tmp_path)
    assert (tmp_path / "yes" / "own.wav").is_file()


def test_a_folder_that_can_not_be_made(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"can't write .* to data_dir="):
        download.fetch_into(Archive("http://127.0.0.1:1/a.zip", 10, "0" * 64), tmp_path / "file" / "corpus")


def test_load_downloads_once(
    serve: Callable[..., _Server], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the archive lacks is refused after the download; a second load asks the server for nothing."""
    content = _tar(_CORPUS)
    server = serve(content)
    monkeypatch.setattr(download, "SPEECH_COMMANDS", _archive(server, content))
    config = datasets.DatasetConfig(dataset="speech_commands", data_dir=str(tmp_path / "corpus"), download=True)
    for _ in range(2):
        with pytest.raises(DatasetError, match="no recordings in _background_noise_/"):
            datasets.load(config)
    assert server.requested == [None]
