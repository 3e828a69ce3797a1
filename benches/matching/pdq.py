"""PDQ of a picture's pixels, with the values on the way that a gate could look at.

The 64 x 64 plane is `A @ luma @ B.T`, with the weights of the reference's two box passes; the eight variants come
from planes sampled with mirrored weights, so each is what the turned pixels would give.

usage: pdq.py PICTURE...      prints hash and quality, and the distance to pdqhash's where that is installed

Needs: pip install numpy pillow (and pdqhash for the comparison)
"""

import functools
import sys

import numpy as np
from PIL import Image

SIDE = 64
FREQUENCIES = 16
DCT = (
    np.sqrt(2 / SIDE) * np.cos(np.pi / 2 / SIDE * np.outer(np.arange(1, FREQUENCIES + 1), 2 * np.arange(SIDE) + 1))
).astype(np.float32)


@functools.lru_cache(maxsize=4096)
def weights(length):
    """The 64 x length matrix of two box passes, sampled at the centres of 64 stretches."""
    window = (length + 127) // 128
    half = (window + 2) // 2
    bounds = [(max(0, o - (window - half)), min(length, o + half)) for o in range(length)]
    matrix = np.zeros((SIDE, length), np.float32)
    for i in range(SIDE):
        low, high = bounds[int((i + 0.5) * length / SIDE)]
        for k in range(low, high):
            first, last = bounds[k]
            matrix[i, first:last] += 1 / ((high - low) * (last - first))
    return matrix


def luma(picture):
    """Luma of a picture as float32, from RGB."""
    rgb = np.asarray(picture.convert("RGB"), np.float32)
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)


def planes(values):
    """Four planes of 64 x 64: as it is, rows mirrored, columns mirrored, both. None below 5 pixels a side."""
    rows, columns = values.shape
    if min(rows, columns) < 5:
        return None
    a, b = weights(rows), weights(columns)
    upright, turned = a @ values, a[:, ::-1] @ values
    return np.stack([upright @ b.T, turned @ b.T, upright @ b[:, ::-1].T, turned @ b[:, ::-1].T])


def plane(values):
    """The plane as it is, 64 x 64."""
    rows, columns = values.shape
    return weights(rows) @ values @ weights(columns).T


def quality(values):
    """The reference's quality of a 64 x 64 plane, 0..=100."""
    down = np.trunc((values[:-1] - values[1:]) * np.float32(100) / np.float32(255))
    across = np.trunc((values[:, :-1] - values[:, 1:]) * np.float32(100) / np.float32(255))
    return min(100, int(np.abs(down).sum() + np.abs(across).sum()) // 90)


def frequencies(values):
    """16 x 16 frequencies (1..=16) of one or more planes."""
    return DCT @ values @ DCT.T


def variants(four):
    """Eight 16 x 16 blocks of frequencies from those of the four planes: the four and their transposes."""
    return np.concatenate([four, np.swapaxes(four, -1, -2)], axis=-3)


def bits(blocks):
    """Blocks of n frequencies (the last two axes) as n bits each: above the lower median or not."""
    flat = blocks.reshape(*blocks.shape[:-2], -1)
    middle = (flat.shape[-1] - 1) // 2
    median = np.partition(flat, middle, axis=-1)[..., middle : middle + 1]
    return flat > median


def text(row):
    """256 bits as 64 hexadecimal digits, bit 255 first."""
    return np.packbits(row[::-1]).tobytes().hex()


def main():
    try:
        import pdqhash
    except ImportError:
        pdqhash = None
    for name in sys.argv[1:]:
        picture = Image.open(name).convert("RGB")
        values = plane(luma(picture))
        row = bits(frequencies(values))
        line = [text(row), str(quality(values))]
        if pdqhash:
            other, its_quality = pdqhash.compute(np.asarray(picture))
            line += [f"{int((row[::-1] != other.astype(bool)).sum())} bits from pdqhash, its quality {its_quality}"]
        print(*line, name, sep="\t")


if __name__ == "__main__":
    main()
