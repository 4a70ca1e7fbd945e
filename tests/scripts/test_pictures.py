"""The documents' pictures: of a page as a browser shows it, as high as the page, at the width that is asked for."""

import pathlib
import shutil

import pytest

from scripts import pictures

PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><style>:root { color-scheme: light dark }
body { margin: 0; height: 700px; background: light-dark(#ff0000, #0000ff) } .wide { width: 450px }</style>"""


def test_without_a_browser_it_is_one_line(monkeypatch, capsys) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        pictures.main([])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("Chromium is not installed: run scripts/setup.sh browser")


@pytest.mark.slow
def test_a_page_is_taken_in_its_width_and_scheme(tmp_path: pathlib.Path) -> None:
    if not any(map(shutil.which, pictures.BROWSERS)):
        pytest.skip("chromium is not installed")
    (tmp_path / "page.html").write_text(PAGE)
    for width, scheme, colour in ((390, "light", (1, 0, 0)), (960, "dark", (0, 0, 1))):
        picture = pictures.taken(tmp_path, "page.html", width, scheme)
        assert picture.shape == (700, width, 3) and (picture == colour).all()
    (tmp_path / "page.html").write_text(f"{PAGE}<p class=wide>wide")
    with pytest.raises(ValueError, match=r"page.html at 390 pixels: .*'overflow': 60"):
        pictures.taken(tmp_path, "page.html", 390, "light")
