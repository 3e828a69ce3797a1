"""Fonts and words for made-up pictures."""

import functools
import glob

from PIL import ImageFont

PATTERNS = [
    "/usr/share/fonts/truetype/dejavu/*.ttf",
    "/usr/share/fonts/truetype/liberation*/*.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-*.ttf",
    "/usr/share/fonts/opentype/urw-base35/*.otf",
]
SYLLABLES = "ka to ri ne lum ver sa del or mi ran tu pos ed in gar bel fo nit ul che ast dor em qui".split()


@functools.cache
def files():
    """Text fonts, sorted; no symbols."""
    found = [name for pattern in PATTERNS for name in sorted(glob.glob(pattern))]
    return [name for name in found if not any(odd in name for odd in ("D050", "Symbol", "Dingbats"))]


@functools.lru_cache(maxsize=1024)
def font(number, size):
    """The font of that number, modulo how many there are, at a size in pixels."""
    found = files()
    return ImageFont.truetype(found[number % len(found)], size) if found else ImageFont.load_default(size)


def any_font(rng, size):
    return font(int(rng.integers(1 << 16)), max(6, int(size)))


def word(rng):
    return "".join(rng.choice(SYLLABLES, int(rng.integers(1, 5))))


def words(rng, count):
    """A line of words; the first letter is a capital now and then."""
    line = [word(rng) for _ in range(count)]
    return " ".join(w.capitalize() if rng.random() < 0.15 else w for w in line)


def number(rng):
    return f"{rng.integers(1, 10 ** int(rng.integers(2, 6))) / 100:.2f}"
