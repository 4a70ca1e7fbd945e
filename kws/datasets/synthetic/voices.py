"""Who speaks in synthetic data: espeak-ng's English accents and voice variants, and the split each one is in.

A voice variant (vocal tract, breath, roughness) stands for a person: it is in one split only, in every accent, and so
are the variants derived from it (those that share more than half of their lines in espeak-ng's voice files). Robots,
whispers and effects are left out.
"""

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
        "Alex", "Andrea", "Andy", "Denis", "Diogo", "Henrique", "Hugo", "Jacky", "Mario", "Michael", "Mike", "Reed",
        "RicishayMax", "RicishayMax2", "Storm", "Tweaky", "adam", "anika", "aunty", "belinda", "benjamin", "boris",
        "david", "ed", "edward", "edward2", "f1", "f2", "f5", "grandpa", "gustave", "ian", "iven", "iven2", "iven3",
        "iven4", "john", "kaukovalta", "klatt3", "klatt4", "klatt5", "klatt6", "linda", "m2", "m4", "m6", "m7", "max",
        "michel", "miguel", "mike2", "norbert", "pablo", "paul", "quincy", "steph", "steph2",
    ),
    "validation": ("Annie", "Nguyen", "f4", "grandma", "m3", "m8", "marcelo", "rob", "robert", "victor", "zac"),
    "testing": ("Alicia", "Gene", "Gene2", "Lee", "f3", "m1", "m5", "sandro", "shelby", "travis"),
}  # fmt: skip
