"""Who speaks in synthetic data: espeak-ng's English accents and voice variants, and the split each one is in.

A voice variant (vocal tract, breath, roughness) stands for a person: it is in one split only, in every accent, and so
are its close relatives (f1 to f5 excepted, which differ as much as strangers). Robots, whispers and effects are left out.
"""

from kws.datasets.clip import SPLITS

ACCENTS = (
    "en-us",
    "en",
    "en-029",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-us-nyc",
)

VARIANTS: dict[str, tuple[str, ...]] = {
    "training": (
        "Alex", "Alicia", "Andrea", "Andy", "Denis", "Diogo", "Gene", "Gene2", "Henrique", "Hugo", "Jacky", "Lee",
        "Mario", "Mike", "mike2", "Reed", "RicishayMax", "RicishayMax2", "Storm", "Tweaky", "adam", "anika", "aunty",
        "belinda", "boris", "david", "ed", "f1", "f2", "f3", "gustave", "ian", "iven", "iven2", "iven3", "iven4",
        "john", "kaukovalta", "klatt3", "klatt4", "klatt5", "klatt6", "m1", "m2", "m4", "m6", "m7", "max", "miguel",
        "norbert", "paul", "quincy", "robert", "rob", "steph", "steph2", "travis", "zac",
    ),
    "validation": ("Annie", "Michael", "benjamin", "f4", "grandma", "m3", "m8", "marcelo", "pablo", "victor"),
    "testing": ("Nguyen", "edward", "edward2", "f5", "grandpa", "linda", "m5", "michel", "sandro", "shelby"),
}  # fmt: skip


def split_of(voice: str) -> str:
    """The split of a voice `<accent>+<variant>`.

    Raises:
      KeyError: no such variant.
    """
    variant = voice.partition("+")[2]
    for split in SPLITS:
        if variant in VARIANTS[split]:
            return split
    raise KeyError(variant)
