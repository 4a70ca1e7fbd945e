"""Builds the project's web site. `python -m scripts.web_site --folder=build/site` (`make site`).

The documents as pages, the reference of the Python interface from its docstrings (by pdoc), the pages that listen, a
pretrained network in each, and a report on these. It is files alone, which any server can serve.
"""

import argparse
import html
import importlib
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from scripts.update_build import files_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("kws_cli", "quant", "export", "kws", "microcontroller")
LISTENING = {"w4a4": "Listen", "marvin_w4a4": "Wake word"}
"""Bundles of models/ with a page that listens, and what leads there."""
REPORT = "report.html"
_MEASURING = (
    ("export.verify", "--clips=64"),
    ("microcontroller.bench", "--emulator=qemu"),
    ("microcontroller.bench", "--emulator=qemu", "--streaming"),
)
_TEMPLATES = "export/packaging/templates/"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --shade: #f2f2f0; --link: #00558a; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e6; --paper: #16181a; --shade: #24272a; --link: #7cc4f2; }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 60rem; padding: 0 1rem 3rem; overflow-wrap: break-word; }}
a {{ color: var(--link); }}
nav {{ display: flex; flex-wrap: wrap; gap: 1rem; padding: .8rem 0; border-bottom: 1px solid var(--shade); }}
pre, table {{ overflow-x: auto; display: block; max-width: 100%; }}
pre {{ background: var(--shade); padding: .8rem; }}
code {{ font: .9em/1.4 ui-monospace, monospace; background: var(--shade); }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid var(--shade); padding: .25rem .6rem; text-align: left; vertical-align: top; }}
img {{ max-width: 100%; height: auto; }}
</style>
</head>
<body>
<nav>{navigation}</nav>
{content}
</body>
</html>
"""


def documents() -> list[str]:
    """The Markdown files that become pages, as POSIX paths; not those that a package fills in."""
    return sorted(path for path in files_of(ROOT) if path.endswith(".md") and not path.startswith(_TEMPLATES))


def page_of(document: str) -> str:
    """Where a document's page lies: a README is its folder's index."""
    path = pathlib.PurePosixPath(document)
    return str(path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html"))


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it from the text."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def render(document: str, source: str | None) -> tuple[str, set[str]]:
    """A document's page, and the files beside it that it shows.

    Args:
      source: address of the project's files, for what is no document; None to show such links as text.
    """
    from markdown_it import MarkdownIt

    text = (ROOT / document).read_text(encoding="utf-8")
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(text)
    title, taken = document, set[str]()
    for heading, inline in itertools.pairwise(tokens):
        if heading.type == "heading_open":
            plain = "".join(child.content for child in inline.children or [])
            title = plain if heading.tag == "h1" else title
            anchor = slug(plain)
            heading.attrSet("id", anchor if anchor not in taken else f"{anchor}-1")
            taken.add(anchor)
    content = parser.renderer.render(tokens, parser.options, {})
    shown: set[str] = set()

    def moved(match: re.Match[str]) -> str:
        target = _moved(html.unescape(match[2]), document, source, shown)
        return f' data-file="{match[2]}"' if target is None else f'{match[1]}"{html.escape(target)}"'

    content = re.sub(r'( (?:href|src)=)"([^"]*)"', moved, content)
    listen = {title: f"listen/{name}.html" for name, title in LISTENING.items()}
    links = {"Start": "index.html", **listen, "Report": REPORT, "Reference": "api/index.html"}
    navigation = " ".join(f'<a href="{_relative(to, document)}">{name}</a>' for name, to in links.items())
    return _PAGE.format(title=html.escape(title), navigation=navigation, content=content), shown


def _moved(target: str, document: str, source: str | None, shown: set[str]) -> str | None:
    """Where a link of a document leads on the site; None for a file that isn't there."""
    name, _, anchor = target.partition("#")
    if not name or re.match(r"[a-z]+:", name):
        return target
    path = os.path.normpath(pathlib.PurePosixPath(document).parent / name)
    if (ROOT / path).is_dir() and f"{path}/README.md" in documents():
        path = f"{path}/README.md"
    if path in documents():
        return _relative(page_of(path), document) + (f"#{anchor}" if anchor else "")
    if path.endswith((".png", ".svg")):
        shown.add(path)
        return _relative(path, document)
    return f"{source.rstrip('/')}/{path}" if source else None


def _relative(target: str, document: str) -> str:
    return os.path.relpath(target, pathlib.PurePosixPath(page_of(document)).parent)


def write_documents(folder: pathlib.Path, source: str | None) -> None:
    """All documents as pages, with their pictures."""
    for document in documents():
        text, shown = render(document, source)
        for path, content in {page_of(document): text.encode(), **{p: (ROOT / p).read_bytes() for p in shown}}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def modules() -> list[str]:
    """What the reference is about: all modules that are no command of a package."""
    paths = (pathlib.PurePosixPath(path) for path in files_of(ROOT, *ROOMS) if path.endswith(".py"))
    names = (path.parent if path.name == "__init__.py" else path.with_suffix("") for path in paths)
    return sorted(".".join(name.parts) for name in names if name.name != "__main__")


def write_reference(folder: pathlib.Path, names: Sequence[str]) -> None:
    """The reference of these modules, from their docstrings."""
    import pdoc

    for name in names:
        package = importlib.import_module(name)
        # A package that names what is public would hide its rooms.
        if hasattr(package, "__all__"):
            rooms = [other.rpartition(".")[2] for other in names if other.rpartition(".")[0] == name]
            vars(package)["__all__"] = [*package.__all__, *rooms]

    # It goes through what is in a package by itself, and would warn of each module that is named again.
    pdoc.pdoc(*(name for name in names if name.rpartition(".")[0] not in names), output_directory=folder / "api")


def write_listeners(folder: pathlib.Path) -> None:
    """The pages that listen."""
    for name in LISTENING:
        line = ["-m", "microcontroller.web_page", f"--bundle=models/{name}", f"--page={folder}/listen/{name}.html"]
        subprocess.run([sys.executable, *line], cwd=ROOT, check=True)


def write_report(folder: pathlib.Path) -> None:
    """The report on the bundles that have a page, proved and counted for it."""

    def run(*line: str, output: int | None = None) -> None:
        subprocess.run([sys.executable, "-m", *line], cwd=ROOT, check=True, stdout=output)

    with tempfile.TemporaryDirectory() as place:
        measured = []
        for name in LISTENING:
            for number, command in enumerate(_MEASURING):
                measured.append(f"{place}/{name}-{number}.json")
                run(*command, f"--bundle=models/{name}", f"--json={measured[-1]}", output=subprocess.DEVNULL)
        listed = ",".join(f"models/{name}" for name in LISTENING)
        run("kws.report", f"--bundle={listed}", f"--measured={','.join(measured)}", f"--page={folder / REPORT}")


def main() -> None:
    """The command `python -m scripts.web_site`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where the site is written, anew")
    parser.add_argument("--source", help="address of the project's files, for links to what is no document")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if folder.exists() and not (folder / ".nojekyll").exists():
        parser.error(f"--folder={arguments.folder} exists and is no site: give another")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".nojekyll").touch()
    write_documents(folder, arguments.source)
    write_listeners(folder)
    write_report(folder)
    write_reference(folder, modules())
    print(f"site: {folder}/index.html")


if __name__ == "__main__":
    main()
