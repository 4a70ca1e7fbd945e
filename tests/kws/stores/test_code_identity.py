"""What kept features and epochs depend on: every module that makes them, and no other."""

import pathlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable

import numpy as np
import pytest

from export.host.mfcc import CMfcc
from kws.datasets import silence
from kws.examples import epoch_producer, feature_cache
from kws.examples.compiled_augment import CAugment
from kws.examples.epochs import EpochConfig
from kws.frontend import FLOAT64, INTEGER, FrontEndConfig
from kws.stores import code_identity
from kws.stores.code_identity import code_sha256, sources

ROOT = pathlib.Path(__file__).resolve().parents[3]
TASK = ("kws.examples.epoch_producer", "kws.datasets.silence", "kws.frontend.compiled")
FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)

# A worker's task on clips, silence of every kind and noise, in both arithmetics; then what it has loaded.
LOADED = """
import sys
import numpy as np
from kws.datasets import silence
from kws.examples.epoch_producer import _work
from kws.examples.epochs import EpochConfig
from kws.stores.sample_store import SampleStore
from kws.frontend import FLOAT64, INTEGER, FrontEndConfig
clips = np.random.default_rng(0).integers(-999, 999, (4, 16000)).astype(np.int16)
store = SampleStore(sys.argv[1], 16000, (16000,))
store.write(clips, clips[:1])
for arithmetic in (INTEGER, FLOAT64):
    config = EpochConfig(FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10), silence_word=1, arithmetic=arithmetic)
    _work(store, silence.draw, np.array([*range(4), *[-1] * 40]), 0, config, 0, 0)
print(*sys.modules, sep="\\n")
"""


def files(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """The source files of the modules that name the task."""
    return {name: root.joinpath(*name.split(".")).with_suffix(".py") for name in TASK}


@pytest.fixture
def copy(tmp_path: pathlib.Path) -> pathlib.Path:
    """The project's Python and C once more, elsewhere."""
    for package in code_identity.PACKAGES:
        for path in (path for suffix in ("py", "c", "h") for path in (ROOT / package).rglob(f"*.{suffix}")):
            target = tmp_path / "copy" / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return tmp_path / "copy"


def identity(root: pathlib.Path) -> str:
    return code_identity._sha256.__wrapped__(tuple(files(root).items()), code_identity.LIBRARIES, root)


def test_they_are_the_modules_that_a_worker_loads(tmp_path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, str(tmp_path)], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.split(".")[0] in code_identity.PACKAGES}
    found = sources(files(ROOT))
    assert loaded == {name for name, path in found.items() if path.suffix == ".py"}
    assert loaded >= {
        "export.model.frontend_config",
        "export.model.frontend_tables",
        "kws.datasets.clip",
        "kws.datasets.noise",
        "kws.datasets.silence",
        "kws.examples.augment",
        "kws.examples.compiled_augment",
        "kws.examples.epochs",
        "kws.stores.sample_store",
        "kws.frontend.arithmetic",
        "export.frontend.cepstrum",
        "kws.frontend.compiled",
        "kws.frontend.config",
        "kws.frontend.float_mfcc",
        "quant.qformat",
    }


def test_c_is_among_them_wherever_it_is_compiled() -> None:
    found = set(sources(files(ROOT)).values())
    for library in (CMfcc, CAugment):
        part = library.definition.part()
        assert {*library.definition.files(), *part.headers, *(ROOT / "export/host").glob("*.h")} <= found
    compiling = {
        name
        for name, path in sources(files(ROOT)).items()
        if "LibraryDefinition(" in path.read_text() or "_HOST_HEADERS" in path.read_text()
    }
    assert compiling == set(code_identity.C_FOLDERS)


def test_an_edit_of_any_of_them_is_another_identity(copy: pathlib.Path) -> None:
    before = identity(copy)
    for name, path in sources(files(copy), copy).items():
        source = path.read_text()
        path.write_text(source + "\n# edited\n")
        assert identity(copy) != before, name
        path.write_text(source)
    elsewhere = ("kws/training/loop/fit.py", "kws/datasets/folder.py", "export/plan/placement.py", "export/verify.py")
    for outside in (*elsewhere, "quant/training/squashing.py", "microcontroller/detector/src/fxp_detector_step.c"):
        (copy / outside).write_text((copy / outside).read_text() + "\n# edited\n")
    assert identity(copy) == before


def test_it_does_not_depend_on_where_the_project_lies(copy: pathlib.Path) -> None:
    program = (
        "from kws.datasets import silence; from kws.examples import epoch_producer; "
        "from kws.stores.code_identity import code_sha256; print(code_sha256([epoch_producer._work, silence.draw]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=copy, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == code_sha256([silence.draw, epoch_producer._work])


def test_imports_are_followed_as_python_does(tmp_path: pathlib.Path) -> None:
    texts = {
        "kws/__init__.py": "",
        "kws/start.py": "import export.one.two\nfrom quant import three, Name\nfrom . import four\nimport numpy",
        "kws/four.py": "class A:\n from quant import five\nif 1:\n from kws.six import x\ndef f():\n import kws.no",
        "kws/six.py": "if TYPE_CHECKING:\n    import kws.no\nelse:\n    import kws.seven",
        **dict.fromkeys(("kws/no.py", "kws/seven.py", "export/__init__.py", "export/one/__init__.py"), ""),
        **dict.fromkeys(("export/one/two.py", "quant/__init__.py", "quant/three.py", "quant/five.py"), ""),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = sources({"kws.start": tmp_path / "kws/start.py"}, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in found.values()} == set(texts) - {"kws/no.py"}


@pytest.mark.parametrize("library", code_identity.LIBRARIES)
def test_another_version_of_a_library_is_another_identity(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    before = code_sha256([INTEGER.features])
    version = code_identity.importlib.metadata.version
    monkeypatch.setattr(
        code_identity.importlib.metadata, "version", lambda name: "other" if name == library else version(name)
    )
    code_identity._sha256.cache_clear()
    assert code_sha256([INTEGER.features]) != before
    code_identity._sha256.cache_clear()


def test_the_keys_of_features_and_epochs_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = np.zeros((3, 16000), np.int16)
    asked: list[set[str]] = []

    def keys(said: str) -> list[str]:
        def code(functions: list[Callable]) -> str:
            asked.append({function.__module__ for function in functions})
            return said

        for module in (feature_cache, epoch_producer):
            monkeypatch.setattr(module, "code_sha256", code)
        config = EpochConfig(FRONTEND, silence_word=1, arithmetic=FLOAT64)
        return [
            feature_cache.key(clips, FRONTEND, INTEGER),
            epoch_producer._key(clips, np.zeros(3, int), [], silence.draw, config, 0),
        ]

    assert keys("one") == keys("one")
    assert not set(keys("one")) & set(keys("another"))
    assert asked[:2] == [
        {"kws.frontend.compiled"},
        {"kws.frontend.float_mfcc", "kws.examples.epoch_producer", "kws.datasets.silence"},
    ]


def test_the_packages_are_all_that_is_installed() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        installed = tomllib.load(file)["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(f"{package}*" for package in code_identity.PACKAGES) == sorted(installed)


def test_a_library_that_is_not_there_is_another_identity_than_any_version() -> None:
    """A small installation does without some; what needs them is not done there."""
    assert code_sha256([INTEGER.features], ()) != code_sha256([INTEGER.features], ("no-such-library",))
