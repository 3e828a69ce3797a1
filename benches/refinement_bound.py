"""May the last refinement of luma in a progressive JPEG be left out?

usage: refinement_bound.py FILE...

Prints for each progressive file how far that scan could move a frequency of PDQ at most (every coefficient
still to be refined by one step of its quantization, at its worst sign; the median over the frequencies), how
far it really moves them (root of the mean square), and how far the median is from the next frequency above: only
while the first is below half of the last could a decoder stop.

Needs: pip install pillow numpy
"""

import io
import sys

import numpy as np
from PIL import Image

SIDE, KEPT = 64, 16
DCT = np.sqrt(2 / SIDE) * np.cos(
    np.pi / 2 / SIDE * np.outer(np.arange(1, KEPT + 1), 2 * np.arange(SIDE) + 1)
)
COSINES = np.array(
    [[(np.sqrt(1 / 8) if u == 0 else 0.5) * np.cos(np.pi / 16 * u * (2 * x + 1)) for x in range(8)] for u in range(8)]
)


def weights(length):
    """Rows of the matrix that makes 64 samples of a line."""
    size = (length + 127) // 128
    half = (size + 2) // 2
    window = lambda at: (max(at - (size - half), 0), min(at + half, length))
    rows = np.zeros((SIDE, length))
    for i in range(SIDE):
        first, end = window(int((i + 0.5) * length / SIDE))
        for k in range(first, end):
            inner, inner_end = window(k)
            rows[i, inner:inner_end] += 1 / ((end - first) * (inner_end - inner))
    return rows


def frequencies(file):
    picture = Image.open(io.BytesIO(file))
    picture.draft("L", picture.size)
    luma = np.asarray(picture.convert("L"), float)
    return DCT @ weights(luma.shape[0]) @ luma @ weights(luma.shape[1]).T @ DCT.T


def reach(length):
    """What one coefficient of every block adds to each frequency at most, by wave."""
    projected = DCT @ weights(length)
    projected = np.pad(projected, ((0, 0), (0, -length % 8)))
    return np.abs(projected.reshape(KEPT, -1, 8) @ COSINES.T).sum(1)


def without_last_refinement(file):
    """The file without the last scan of luma that refines AC coefficients to their last bit."""
    at, scans = 2, []
    while file[at + 1] != 0xD9:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == 0xDA:
            header = file[at + 4 : end]
            while not (file[end] == 0xFF and file[end + 1] != 0 and not 0xD0 <= file[end + 1] <= 0xD7):
                end += 1
            if header[0] == 1 and header[3] > 0 and header[5] == 0x10:
                scans.append((header[1], at, end))
        at = end
    luma = min((name for name, _, _ in scans), default=None)
    found = [(start, end) for name, start, end in scans if name == luma]
    return file[: found[-1][0]] + file[found[-1][1] :] if found else None


def main():
    for path in sys.argv[1:]:
        file = open(path, "rb").read()
        picture = Image.open(io.BytesIO(file))
        shorter = without_last_refinement(file) if "progressive" in picture.info else None
        if shorter is None:
            continue
        steps = np.array(picture.quantization[0], float).reshape(8, 8)
        steps[0, 0] = 0
        width, height = picture.size
        bound = reach(height) @ steps @ reach(width).T
        whole = frequencies(file)
        moved = np.sqrt(np.mean((frequencies(shorter) - whole) ** 2))
        ranked = np.sort(whole.ravel())
        print(
            f"{path.rsplit('/')[-1]} {width}x{height}: at most {np.median(bound):.0f}, really {moved:.3f}, "
            f"next frequency {ranked[128] - ranked[127]:.3f} away"
        )


if __name__ == "__main__":
    main()
