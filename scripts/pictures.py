"""Makes the documents' pictures: a report and the page that listens, as a browser shows them.

python -m scripts.pictures --measured=evaluate.json,verify.json
python -m scripts.pictures --measured=... --looks=build/looks

The first writes docs/report.png and docs/listening.png, of models/w4a4; the second both pages at 390 and 1280 pixels,
light and dark, in full, to be looked at. The page has heard synthetic words. Needs what `make web` needs, Chromium too.
"""

import argparse
import contextlib
import functools
import http.server
import json
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import wave
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib import image

from microcontroller.streaming import recording

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUNDLE = "models/w4a4"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = (390, 1280)
SCHEMES = {"dark": 0, "light": 1}
"""Chromium's numbers of colour schemes."""
REPORT, LISTENER, WORDS = "report.html", "keywords.html", "words.wav"
_SECONDS = 20
_TIMEOUT_S = 120
_HIGHEST = 12000
_NARROWEST = 500
"""Of a window of Chromium: what is narrower is a frame in it."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
)
# The picture is taken when all has loaded, so an image is kept waiting until the page has heard its words.
_DRIVER = """<!doctype html>
<style>body { margin: 0 } iframe { border: 0; display: block; width: WIDTHpx; height: 900px }</style>
<iframe src="PAGE"></iframe><img src="wait" hidden>
<script>
const frame = document.querySelector("iframe");
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));
async function hear(view, shown) {
  await view.page;
  const files = new DataTransfer();
  files.items.add(new File([await (await fetch("WORDS")).arrayBuffer()], "WORDS"));
  shown.body.dispatchEvent(new view.DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
  while (!["done", "failed"].includes(shown.body.dataset.state)) await soon();
}
frame.addEventListener("load", async () => {
  const { contentWindow: view, contentDocument: shown } = frame;
  if ("state" in shown.body.dataset) await hear(view, shown);
  const height = Math.ceil(shown.documentElement.getBoundingClientRect().height);
  frame.style.height = `${height}px`;
  for (let i = 0; i < 5; i++) await soon();
  const overflow = shown.documentElement.scrollWidth - shown.documentElement.clientWidth;
  await fetch("ready", { method: "POST", body: JSON.stringify({ height, overflow, state: shown.body.dataset.state }) });
});
</script>
"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    found: "queue.Queue[dict[str, Any]]"
    ready: threading.Event

    def do_GET(self) -> None:
        if self.path == "/wait":
            self.ready.wait(_TIMEOUT_S)
            self.send_error(404)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        self.found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()
        self.ready.set()

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def _served(site: pathlib.Path) -> Iterator[tuple[str, "queue.Queue[dict[str, Any]]"]]:
    """An address of the folder's files, and what its driver says of the page that it shows."""
    found: queue.Queue[dict[str, Any]] = queue.Queue()
    handler = type("Handler", (_Handler,), {"found": found, "ready": threading.Event()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", found
        finally:
            server.shutdown()
            thread.join()


def browser() -> str:
    """Chromium. Raises `ValueError` where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise ValueError("Chromium is not installed: run scripts/setup.sh browser")
    return found


def taken(site: pathlib.Path, page: str, width: int, scheme: str) -> np.ndarray:
    """A picture of a page of the folder, as high as the page: float32 [rows, columns, 3], 0 to 1.

    Raises:
      ValueError: there is no browser, the page did not hear its words, or it is wider than its frame.
    """
    driver = _DRIVER.replace("WIDTH", str(width)).replace("PAGE", page).replace("WORDS", WORDS)
    (site / "driver.html").write_text(driver, encoding="utf-8")
    shot = site / "shot.png"
    with _served(site) as (address, answers), tempfile.TemporaryDirectory() as profile:
        window = f"--window-size={max(width, _NARROWEST)},{_HIGHEST}"
        scheme_flag = f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
        options = [*_FLAGS, f"--user-data-dir={profile}", window, scheme_flag, f"--screenshot={shot}"]
        subprocess.run(
            [browser(), *options, f"{address}driver.html"], capture_output=True, timeout=_TIMEOUT_S, check=True
        )
        found = answers.get(timeout=1)
    if found.get("state", "done") != "done" or found["overflow"]:
        raise ValueError(f"{page} at {width} pixels: {found}")
    return image.imread(shot)[: found["height"], :width, :3]


def write_site(site: pathlib.Path, measured: str) -> None:
    """The pages of `BUNDLE`, and what the one that listens shall hear."""
    for module, page, extra in (
        ("kws.report", REPORT, [f"--measured={measured}"] if measured else []),
        ("microcontroller.web_page", LISTENER, []),
    ):
        line = [sys.executable, "-m", module, f"--bundle={BUNDLE}", f"--page={site / page}", *extra]
        subprocess.run(line, cwd=ROOT, check=True)
    with wave.open(str(site / WORDS), "wb") as file:
        file.setparams((1, 2, recording.SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(recording.synthetic(_SECONDS).samples.tobytes())


def write_pictures(site: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """The documents' pictures: the beginning of the report, and the page that listens."""
    pictures = {"report.png": (REPORT, 920), "listening.png": (LISTENER, 800)}
    for name, (page, height) in pictures.items():
        image.imsave(folder / name, taken(site, page, 960, "light")[:height])
    return [folder / name for name in pictures]


def write_looks(site: pathlib.Path, folder: pathlib.Path) -> list[pathlib.Path]:
    """Both pages in full, at all widths, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for page in (REPORT, LISTENER):
        for width in WIDTHS:
            for scheme in SCHEMES:
                written.append(folder / f"{pathlib.Path(page).stem}-{width}-{scheme}.png")
                image.imsave(written[-1], taken(site, page, width, scheme))
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `python -m scripts.pictures`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", default="", help="for the report: files of measuring commands, as kws.report's")
    parser.add_argument(
        "--looks", type=pathlib.Path, help="a folder for both pages, at 390 and 1280 pixels, to look at"
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        site = pathlib.Path(made)
        try:
            browser()
            write_site(site, given.measured)
            written = write_looks(site, given.looks) if given.looks else write_pictures(site, ROOT / "docs")
        except (ValueError, OSError, subprocess.SubprocessError, queue.Empty) as error:
            parser.error(" ".join(str(error).split()))
    for path in written:
        print(path)


if __name__ == "__main__":
    main()
