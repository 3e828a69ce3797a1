"""Time other tools from the bytes of a JPEG to its PDQ hash.

usage: pictures.py FOLDER

Takes every .jpg and .jpeg beneath FOLDER, reads all of them first, then times one thread:
- Pillow's decoding to grey, which is libjpeg-turbo's (the chroma is not decoded);
- Pillow's decoding to RGB;
- the same and then pdqhash, PyPI's wrapper of the C++ that defines PDQ.

`lykta hash --kind pdq --jobs 1 FOLDER` does the last in one program, reading included.

Needs: pip install pdqhash pillow numpy
"""

import io
import pathlib
import statistics
import sys
import time

import numpy as np
import pdqhash
from PIL import Image, features

ROUNDS = 5


def decode(file, mode):
    picture = Image.open(io.BytesIO(file))
    # Tells the decoder before it begins; without, chroma is decoded and then thrown away.
    picture.draft(mode, picture.size)
    return np.asarray(picture.convert(mode))


def measure(name, files, megapixels, step):
    def seconds():
        start = time.process_time()
        for file in files:
            step(file)
        return time.process_time() - start

    median = statistics.median(seconds() for _ in range(ROUNDS))
    print(f"{name:24} {median / len(files) * 1e3:.2f} ms a picture  {median / megapixels * 1e3:.2f} ns a pixel")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths = sorted(pathlib.Path(sys.argv[1]).rglob("*"))
    files = [path.read_bytes() for path in paths if path.suffix.lower() in (".jpg", ".jpeg")]
    if not files:
        sys.exit(f"no JPEG files beneath {sys.argv[1]}")
    sizes = [Image.open(io.BytesIO(file)).size for file in files]
    megapixels = sum(width * height for width, height in sizes) / 1e6
    turbo = features.version("libjpeg_turbo") or "not in this Pillow"
    print(f"{len(files)} pictures, {megapixels:.1f} MP; libjpeg-turbo {turbo}")
    measure("decode to grey", files, megapixels, lambda file: decode(file, "L"))
    measure("decode to RGB", files, megapixels, lambda file: decode(file, "RGB"))
    measure("decode to RGB + pdqhash", files, megapixels, lambda file: pdqhash.compute(decode(file, "RGB")))


if __name__ == "__main__":
    main()
