"""Names in a package's C: a prefix for each model, one for the kernels that models share, constants for labels.

The project's own C calls everything fxp_ or FXP_. In a package the model's part gets the model's prefix, the kernels
the library's: two libraries of different names, or two models in one, have no symbol, macro or header in common.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from export.packaging.packaging_error import PackagingError
from kws_cli import settings

PUBLIC = "fxp_kws"
"""What the project's C calls the library: its public functions, macros and header begin with it."""
NONE = "NONE"
LONGEST = 40
_PREFIX = re.compile(r"[a-z][a-z0-9_]*\Z")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# With what a macro pastes names to: fxp_##saturate.
_TOKEN = re.compile(r"\b(?:fxp|FXP)(?:_\w*)?\b")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


# Words of C and C++, then functions and objects of their libraries and of POSIX, then what the examples are made of,
# then headers: a prefix is also the name of a type, and of a header that a build may find before theirs.
_TAKEN = """
alignas alignof and asm auto bool break case catch char class const continue default delete do double else
enum explicit export extern false final float for friend goto if inline int long main module namespace new not
nullptr operator or override private protected public register requires restrict return short signed sizeof
static struct switch template this throw true try typedef typeof typename union unsigned using virtual void
volatile while xor linux unix

abort abs acos asctime asin assert atan atexit atof atoi atol atoll bsearch calloc cbrt ceil clearerr clock cos cosh
ctime difftime div environ erf erfc errno exit exp expm1 fabs fclose fdim feof ferror fflush fgetc fgetpos fgets floor
fma fmax fmin fmod fopen fprintf fputc fputs fread free freopen frexp fscanf fseek fsetpos ftell fwrite getc getchar
getenv gets gmtime hypot ilogb index isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace
isupper isxdigit labs ldexp ldiv lgamma localtime log log10 log1p log2 logb longjmp malloc memchr memcmp memcpy memmove
memset mktime modf nan perror pow printf putc putchar puts qsort raise rand realloc remainder remove rename rewind
rindex rint round scanf setbuf setjmp setlocale setvbuf signal sin sinh snprintf sprintf sqrt srand sscanf stderr stdin
stdout strcat strchr strcmp strcoll strcpy strcspn strerror strlen strncat strncmp strncpy strpbrk strrchr strspn strstr
strtod strtof strtok strtol strtoll strtoul strxfrm system tan tanh tgamma time tmpfile tmpnam tolower toupper trunc
ungetc vprintf std

accept access alarm bind brk chdir chmod chown close connect creat daemon dup execl execv fork fsync getpid gettid ioctl
kill link listen lseek mkdir mmap mount nice open pause pipe poll read reboot recv rmdir sbrk select send shutdown sleep
socket stat swab sync truncate unlink usleep wait write

blocks delay filled hear loop lost max min opened setup

arduino complex ctype dirent endian fcntl fenv glob inttypes iso646 limits locale math memory mqueue pthread regex sched
search semaphore setjmp spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings
syslog termios tgmath threads uchar unistd utime wchar wctype
"""
_TYPE = re.compile(r".*_t\Z")
"""Types of C's headers."""


def without_comments(text: str) -> str:
    """C without its comments."""
    return _COMMENT.sub(" ", text)


def tokens(text: str) -> set[str]:
    """The names of the project's in a piece of C, comments left aside."""
    return set(_TOKEN.findall(without_comments(text)))


def check_prefixes(prefixes: Sequence[str], name: str) -> None:
    """Raises `PackagingError` for a prefix that begins no C name, or that is given twice."""
    for setting, value in (*(("prefix", prefix) for prefix in prefixes), ("name", name)):
        if not _PREFIX.match(value) or len(value) > LONGEST:
            raise PackagingError(
                f"{setting}={value} begins no C name: give up to {LONGEST} lower-case letters, digits and _, "
                "a letter first"
            )
        if value in _TAKEN.split() or _TYPE.match(value):
            raise PackagingError(
                f"{setting}={value} is a name of C, C++ or their libraries: give one as kws_{value.removesuffix('_t')}"
            )
    twice = sorted({prefix for prefix in prefixes if prefixes.count(prefix) > 1})
    if twice:
        raise PackagingError(f"prefix={','.join(prefixes)} gives two models the prefix {twice[0]}: give each its own")


def prefix_of(folder: str) -> str:
    """A prefix for one model of several, from the name of its bundle's folder."""
    return f"{PUBLIC}_{re.sub('[^a-z0-9]+', '_', folder.lower()).strip('_')}"[:LONGEST].rstrip("_")


def label_constants(labels: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """The end of each label's constant: "_silence_" is SILENCE.

    Args:
      renamed: label -> the C identifier to take for it.

    Raises:
      PackagingError: a label that is no C identifier and has no other name, or two labels with one constant.
    """
    constants: list[str] = []
    for label in labels:
        identifier = renamed.get(label, label)
        if not _IDENTIFIER.match(identifier):
            raise PackagingError(
                f"label {label!r} is no C identifier{f', nor is {identifier!r}' if label in renamed else ''}: "
                f"give {_renaming_of(label)} with a name of letters, digits and _"
            )
        constant = identifier.strip("_").upper() or "BLANK"
        if constant == NONE or constant in constants:
            other = "no label at all" if constant == NONE else repr(labels[constants.index(constant)])
            raise PackagingError(
                f"labels {label!r} and {other} have one constant, {constant}: give {_renaming_of(label)} "
                "with another name"
            )
        constants.append(constant)
    return constants


def _renaming_of(label: str) -> str:
    """The setting that gives a label a name, as a shell takes it."""
    return settings.spelled("", {"label_names": (f"{label}:NAME",)}).removeprefix(" --")


def renaming(library: str, shared: set[str], prefixes: Sequence[str], models: Sequence[set[str]]) -> list[dict]:
    """What each token is called in a package: first those of the shared kernels, then of each model.

    Args:
      library: prefix of the shared kernels.
      shared: their tokens.
      prefixes: of the models.
      models: their tokens, some of which may be shared ones.

    Returns:
      token -> new token, for the shared files and for each model's.

    Raises:
      PackagingError: two tokens would have one name.
    """
    kernels = {token: renamed(token, library) for token in shared}
    result, owners = [kernels], {name: token for token, name in kernels.items()}
    for prefix, found in zip(prefixes, models, strict=True):
        own = {token: renamed(token, prefix) for token in found - shared}
        for token, name in own.items():
            if name in owners:
                raise PackagingError(
                    f"prefix={prefix} gives {token} the name {name}, which {owners[name]} has: choose another prefix"
                )
            owners[name] = token
        result.append(kernels | own)
    return result


def rename(text: str, names: Mapping[str, str]) -> str:
    """Text with every known token's new name; one that only a comment knows stays."""
    return _TOKEN.sub(lambda found: names.get(found[0], found[0]), text)


def renamed(token: str, prefix: str) -> str:
    """fxp_kws_push, FXP_KWS_LABELS and fxp_frontend_hop with a prefix in place of fxp_kws or fxp."""
    upper = token.startswith("FXP")
    rest = token[len(PUBLIC) :] if token.lower().startswith(PUBLIC) else token[len("fxp") :]
    return (prefix.upper() if upper else prefix) + rest


def named_in(files: Iterable[str]) -> set[str]:
    """The project's tokens in all these texts."""
    return set().union(*map(tokens, files))
