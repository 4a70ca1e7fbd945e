"""The web site: every link of every document leads somewhere on it."""

import html.parser
import os
import pathlib
import subprocess
import sys

import pytest

from scripts import web_site

pytest.importorskip("markdown_it")


class Page(html.parser.HTMLParser):
    """What a page links to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.places |= {value or "" for name, value in attrs if name == "id"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("site")
    web_site.write_documents(folder, "https://example.org/tree")
    return folder


def test_every_link_leads_to_a_page_and_a_heading_of_it(site: pathlib.Path) -> None:
    pages = {path: Page(path.read_text()) for path in site.rglob("*.html")}
    assert len(pages) == len(web_site.documents()) > 20
    lost = []
    for path, page in pages.items():
        for link in page.links:
            name, _, place = link.partition("#")
            target = pathlib.Path(os.path.normpath(path.parent / name)) if name else path
            made_later = {site / "api", site / "listen", site / web_site.REPORT} & {target, *target.parents}
            if ":" in name or made_later:
                continue
            if not target.is_file() or (place and place not in pages[target].places):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert not lost


def test_links_to_what_is_no_document_lead_to_the_source_or_are_text(site: pathlib.Path) -> None:
    links = Page((site / "index.html").read_text()).links
    assert "https://example.org/tree/LICENSE" in links and "docs/report.png" in links
    assert {"listen/w4a4.html", "listen/marvin_w4a4.html", "report.html", "api/index.html"} <= set(links)
    assert not list(site.glob("export/packaging/**/*.html"))
    alone, _ = web_site.render("README.md", None)
    assert not [link for link in Page(alone).links if "LICENSE" in link] and ">LICENSE</a>" in alone


def test_the_reference_is_about_every_module() -> None:
    names = web_site.modules()
    assert {"export", "export.bundle.folder", "quant.qformat", "kws.reports.page", "kws_cli.command"} <= set(names)
    assert not [name for name in names if "__" in name]


@pytest.mark.slow
def test_the_reference_has_docstrings_and_rooms_of_packages_that_name_what_is_public(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("pdoc")
    names = ["export", "export.model", "export.model.model_error"]
    write = f"web_site.write_reference(pathlib.Path({str(tmp_path)!r}), {names})"
    line = f"import pathlib; from scripts import web_site; {write}"
    done = subprocess.run([sys.executable, "-c", line], check=True, timeout=300, stderr=subprocess.PIPE, text=True)
    assert "already been added" not in done.stderr
    assert "written from it: .tflite, C, bundles" in (tmp_path / "api/export.html").read_text()
    assert (tmp_path / "api/export/model/model_error.html").is_file()


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    line = [sys.executable, "-m", "scripts.web_site", f"--folder={tmp_path}"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "exists and is no site" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"
