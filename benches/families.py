"""How well `lykta cluster` finds families: changed copies of known originals among unrelated pictures.

    python3 benches/families.py --lykta target/release/lykta --work /tmp/families PHOTOS...

PHOTOS are folders with photographs. Regions that do not overlap are cut from them, so that each is an
original of its own; regions without detail are left out. Of photographs that are within 62 bits of each
other one is taken, since folders of pictures hold the same one in several sizes. Regions of different
photographs may still show the same, so of regions within NEAREST bits (62, twice the radius, in any
rotation or reflection) one is taken, too, and how many were dropped is said. That uses the hash that is
measured: with --nearest 0 nothing is dropped, and what is then joined is for a person to look at.
FAMILIES originals get between 2 and 50 files, each changed in another way; LONELY originals get one file.

Says: files per decision (files by families), families that join two originals, and members that are not
with most of their family, by kind of change. Needs Pillow. The same seed gives the same dump.
"""

import argparse
import io
import json
import pathlib
import random
import shutil
import subprocess
import time

from PIL import Image, ImageEnhance, ImageFilter

REGION = 256


def representatives(lykta, radius, paths):
    """One of each family, by the grouping itself at a wide radius."""
    command = [lykta, "cluster", "-q", "--radius", str(radius), "--min-quality", "0", *map(str, paths)]
    lines = map(json.loads, subprocess.run(command, capture_output=True, text=True).stdout.splitlines())
    return [line["id"] for line in lines if "id" in line and line["id"] == line["representative"]]


def photographs(lykta, folders):
    suffixes = {".jpg", ".jpeg", ".png"}
    found = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*"))]
    found = [path for path in found if path.suffix.lower() in suffixes and path.is_file() and not path.is_symlink()]
    chosen = representatives(lykta, 62, found)
    print(f"{len(found)} photographs, {len(chosen)} of them unlike each other")
    return sorted(chosen)


def regions(lykta, folders):
    """Regions that do not overlap."""
    for path in photographs(lykta, folders):
        try:
            picture = Image.open(path).convert("RGB")
        except OSError:
            continue
        for top in range(0, picture.height - REGION + 1, REGION):
            for left in range(0, picture.width - REGION + 1, REGION):
                yield picture.crop((left, top, left + REGION, top + REGION))


def hashes(lykta, folder):
    """PDQ and quality by path, of a folder."""
    lines = subprocess.run([lykta, "hash", "-q", "--kind", "pdq", folder], capture_output=True, text=True).stdout
    for line in map(json.loads, lines.splitlines()):
        if "pdq" in line:
            yield line["path"], int(line["pdq"], 16), line["pdq_quality"]


def jpeg(picture, path, quality=90, **options):
    picture.save(path, "JPEG", quality=quality, **options)


def scaled(picture, by):
    return picture.resize((int(picture.width * by), int(picture.height * by)), Image.LANCZOS)


def cut(picture, part):
    x, y = int(picture.width * part), int(picture.height * part)
    return picture.crop((x, y, picture.width - x, picture.height - y))


# Every change that PDQ is made for; crops and borders of more than a few percent are not among them.
CHANGES = {
    "same": lambda picture, random: picture,
    "smaller": lambda picture, random: scaled(picture, random.uniform(0.3, 0.9)),
    "larger": lambda picture, random: scaled(picture, random.uniform(1.1, 2)),
    "turned": lambda picture, random: picture.rotate(random.choice([90, 180, 270]), expand=True),
    "mirrored": lambda picture, random: picture.transpose(Image.FLIP_LEFT_RIGHT),
    "brighter": lambda picture, random: ImageEnhance.Brightness(picture).enhance(random.uniform(0.8, 1.2)),
    "contrast": lambda picture, random: ImageEnhance.Contrast(picture).enhance(random.uniform(0.8, 1.2)),
    "blurred": lambda picture, random: picture.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 1.5))),
    "grey": lambda picture, random: picture.convert("L"),
    "cropped 1 %": lambda picture, random: cut(picture, 0.01),
}


def originals(lykta, folders, work, wanted, nearest):
    """Bytes of originals that are unrelated to PDQ, too."""
    candidates = work / "candidates"
    candidates.mkdir()
    for number, region in enumerate(regions(lykta, folders)):
        jpeg(region, candidates / f"{number:06}.jpg", 95)
    listed = list(hashes(lykta, candidates))
    good = [path for path, _, quality in listed if quality >= 90]
    print(f"{len(listed)} regions, {len(good)} of quality 90 and more")
    for path, _, quality in listed:
        if quality < 90:
            pathlib.Path(path).unlink()
    apart = representatives(lykta, nearest, [candidates]) if nearest else good
    print(f"{len(good) - len(apart)} dropped as alike to another")
    random.Random(1).shuffle(apart)
    if len(apart) < wanted:
        print(f"only {len(apart)} unrelated originals where {wanted} were wanted: give more photographs")
    found = [pathlib.Path(path).read_bytes() for path in apart[:wanted]]
    shutil.rmtree(candidates)
    return found


def make(dump, originals, families, seed):
    """Writes the dump; says of each file which original it is of and how it was changed."""
    chance = random.Random(seed)
    truth, number = {}, 0
    names = list(range(10 * len(originals) + 60 * families))
    chance.shuffle(names)
    for which, original in enumerate(originals):
        picture = Image.open(io.BytesIO(original)).convert("RGB")
        count = chance.randint(2, 50) if which < families else 1
        for copy in range(count):
            kind = "original" if copy == 0 else chance.choice(list(CHANGES))
            path = dump / f"{names[number]:07}.jpg"
            number += 1
            if copy == 0:
                path.write_bytes(original)
            else:
                jpeg(CHANGES[kind](picture, chance), path, chance.randint(30, 95))
            truth[str(path)] = (which, kind)
    return truth


def measure(lykta, dump, truth, radius):
    begun = time.time()
    command = [lykta, "cluster", "-q", "--radius", str(radius), dump]
    lines = [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    seconds = time.time() - begun
    members = {}
    for line in lines:
        if "family" in line:
            members.setdefault(line["family"], []).append(truth[line["id"]])
    files = sum(map(len, members.values()))
    assert files == len(truth), f"{files} files of {len(truth)} are in families: {lines[-1]}"
    joined = [family for family in members.values() if len({which for which, _ in family}) > 1]
    largest = {}
    for family in members.values():
        for which in {which for which, _ in family}:
            largest[which] = max(largest.get(which, 0), sum(other == which for other, _ in family))
    of_original = {}
    for which, _ in truth.values():
        of_original[which] = of_original.get(which, 0) + 1
    planted = [which for which, count in of_original.items() if count > 1]
    missed = sum(of_original[which] - largest[which] for which in planted)
    copies = sum(of_original[which] for which in planted)
    by_kind = {}
    for family in members.values():
        for which, kind in family:
            if of_original[which] > 1:
                alone = sum(other == which for other, _ in family) < largest[which]
                counts = by_kind.setdefault(kind, [0, 0])
                counts[0] += alone
                counts[1] += 1
    print(f"radius {radius}: {files} files, {len(members)} families, {seconds:.1f} s with hashing")
    print(f"  files per decision: {files / len(members):.2f}; of the planted files alone: "
          f"{copies / (len(members) - (len(of_original) - len(planted))):.2f}")
    print(f"  families that join two originals: {len(joined)}")
    for family in joined:
        print("    ", *sorted({f"original {which}" for which, _ in family}))
    print(f"  members missed: {missed} of {copies} in {len(planted)} planted families")
    for kind, (missing, count) in sorted(by_kind.items()):
        print(f"    {kind:12} {missing:5} of {count}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lykta", default="target/release/lykta")
    parser.add_argument("--work", required=True, help="a folder to make, for the dump")
    parser.add_argument("--families", type=int, default=200)
    parser.add_argument("--lonely", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nearest", type=int, default=62)
    parser.add_argument("photos", nargs="+")
    args = parser.parse_args()
    work = pathlib.Path(args.work)
    work.mkdir()
    dump = work / "dump"
    dump.mkdir()
    found = originals(args.lykta, args.photos, work, args.families + args.lonely, args.nearest)
    truth = make(dump, found, args.families, args.seed)
    (work / "truth.json").write_text(json.dumps(truth))
    for radius in (31, 24, 40):
        measure(args.lykta, dump, truth, radius)


if __name__ == "__main__":
    main()
