"""Pages in a headless browser, from a server on this machine to which a driving page posts what it saw."""

import contextlib
import functools
import http.server
import json
import pathlib
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

TIMEOUT_S = 180
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class _Handler(http.server.SimpleHTTPRequestHandler):
    results: "queue.Queue[Any]"

    def do_POST(self) -> None:
        self.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def _served(site: pathlib.Path) -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    results: queue.Queue[Any] = queue.Queue()
    handler = type("Handler", (_Handler,), {"results": results})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", results
        finally:
            server.shutdown()
            thread.join()


def hearing(wav: pathlib.Path) -> tuple[str, ...]:
    """The browser's flags for a microphone that hears a file over and over."""
    allowed = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    return (f"--use-file-for-fake-audio-capture={wav}", *allowed, "--autoplay-policy=no-user-gesture-required")


def drive(site: pathlib.Path, page: str, profile: pathlib.Path, *flags: str) -> dict[str, Any]:
    """What a page of the site posts to `result` when it has driven another."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("chromium is not installed")
    with _served(site) as (address, results):
        command = [browser, *QUIET, *flags, f"--user-data-dir={profile}", f"{address}{page}"]
        process = subprocess.Popen(
            [*command, "--remote-debugging-port=0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            found = results.get(timeout=TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
    assert "error" not in found, found
    return found
