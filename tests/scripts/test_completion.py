"""scripts/completion.bash offers a command's own flags."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def offered(*words: str) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(f'"{word}"' for word in words)
    program = f"source scripts/completion.bash; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _kws_complete; "
    program += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-euc", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_flags_are_offered_by_their_beginning() -> None:
    assert offered(sys.executable, "-m", "export.verify", "--b") == ["--bundle="]
    assert offered(sys.executable, "-m", "microcontroller.bench", "--nos") == ["--nostreaming"]
    assert {"--bundle=", "--audio=", "--microphone", "--nomicrophone"} <= set(
        offered(sys.executable, "-m", "kws.stream", "--")
    )


def test_nothing_is_offered_for_other_commands() -> None:
    assert offered(sys.executable, "-m", "pip", "--") == []
    assert offered(sys.executable, "--") == []
    assert offered(sys.executable, "-m", "kws.stream", "file") == []
