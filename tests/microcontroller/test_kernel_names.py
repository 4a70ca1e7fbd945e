"""A kernel has one name, put together as docs/glossary.md says; the words of the engine have one meaning."""

import pathlib
import re

import pytest

from microcontroller import c_sources

ROOT = pathlib.Path(__file__).resolve().parents[2]
NN = ROOT / "microcontroller" / "engine" / "nn"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
OPERATOR = "(conv2d|pointwise_conv2d|depthwise_conv2d|average_pool|dense|running_sum)"
LAYOUT = "(s8|s16|s16_rows|row_pairs|channel_rows|position_pairs|planes)"
NAME = re.compile(
    rf"fxp_{OPERATOR}_{LAYOUT}(_to_{LAYOUT})?(_dsp|_helium|_packed)?(_lanes|_taps)?(_w\d|_wide|_outer|_halves)?"
)
LOOP = re.compile(
    rf"fxp_((matrix|depthwise|conv2d|sum)_loop|panels)_{LAYOUT}_(dsp|helium|packed)(_lanes|_taps)?(_w\d|_single|_quad|_stride2|_wide|_column|_row|_outer|_halves)?"
)
DEFINITION = re.compile(r"^void (fxp_\w+)\(\s*const (\w+) \*args", re.MULTILINE)
MODULES = sorted(path for path in (ROOT / "export" / "plan" / "kernels").rglob("*.py") if path.name != "profiles.py")
FILES = [path for path in (*c_sources.engine().files, *c_sources.engine().headers) if path.name != "fxp_kernels.h"]


def kernels() -> dict[str, tuple[pathlib.Path, str]]:
    """Function -> its file, and the type of its arguments."""
    return {m[1]: (path, m[2]) for path in c_sources.engine().files for m in DEFINITION.finditer(path.read_text())}


def test_every_kernel_s_name_follows_the_scheme() -> None:
    assert len(kernels()) >= 27
    assert not [name for name in kernels() if not NAME.fullmatch(name)]


def test_function_file_and_arguments_have_one_name() -> None:
    for name, (path, args) in kernels().items():
        assert (path.name, args) == (f"{name}.c", f"{name}_args")


def test_the_glossary_lists_every_kernel_and_its_folder() -> None:
    rows = re.findall(r"^\| `(fxp_\w+)` \| `(\w+)` \|", GLOSSARY, re.MULTILINE)
    assert rows == sorted((name, path.parent.name) for name, (path, _) in kernels().items())


def test_a_loop_s_macro_is_its_header_s_name() -> None:
    headers = [path for path in NN.rglob("*.h") if re.search(r"_loop_|fxp_panels_", path.name)]
    assert len(headers) >= 15
    for path in headers:
        assert LOOP.fullmatch(path.stem), path.name
        assert re.search(rf"#define {path.stem.upper()}\([\s\\]*name,", path.read_text()), path.name


def test_only_public_headers_lie_apart_and_every_other_one_points_to_the_glossary() -> None:
    public = [path.name for path in (ROOT / "microcontroller/engine/include").iterdir()]
    assert public == ["fxp_engine.h"]
    assert not [path.name for path in c_sources.engine().headers if "docs/glossary.md" not in path.read_text()]


@pytest.mark.parametrize("path", [*FILES, *MODULES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_words_have_one_meaning(path: pathlib.Path) -> None:
    text = re.sub(r"\s+\**\s*", " ", path.read_text()).lower()
    for noun, kinds in {"pair": "row|channel|position|tap", "quad": "channel"}.items():
        found = (m[0] for m in re.finditer(rf".{{0,20}}\b{noun}s?\b", text))
        alone = [words for words in found if not re.search(rf"({kinds})[ _]{noun}s?$", words)]
        assert not alone, f"{noun} of what? {alone}"
    assert path.parent.name == "helium" or not re.search(r"\bplanes?\b", text)
