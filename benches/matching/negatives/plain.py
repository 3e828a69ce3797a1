"""Pictures of little content: gradients, objects on white, icons, codes, patterns, charts."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .fonts import any_font, word, words


def size(rng, low=320, high=720):
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def colour(rng, low=0, high=256):
    return tuple(int(v) for v in rng.integers(low, high, 3))


def blend(share, first, second):
    """A picture from a share of the second colour at each pixel."""
    share = np.clip(share, 0, 1)[..., None]
    return Image.fromarray((np.array(first) * (1 - share) + np.array(second) * share).astype(np.uint8))


def grid(width, height):
    return np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))


def linear(rng, _number, _parts):
    x, y = grid(*size(rng))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.6 else rng.integers(4) * np.pi / 2
    share = (x * np.cos(angle) + y * np.sin(angle)) / 2 + 0.5
    return blend(np.clip(share, 0, 1) ** rng.uniform(0.5, 2) if rng.random() < 0.3 else share, colour(rng), colour(rng))


def radial(rng, _number, _parts):
    x, y = grid(*size(rng))
    cx, cy = rng.normal(0, 0.3, 2) if rng.random() < 0.6 else (0, 0)
    return blend(np.hypot(x - cx, y - cy) / rng.uniform(0.7, 1.6), colour(rng), colour(rng))


def vignette(rng, _number, _parts):
    """Bright in the middle, dark to the corners, with noise."""
    x, y = grid(*size(rng))
    level = 1 - (x**2 + y**2) * rng.uniform(0.2, 0.5)
    values = np.array(colour(rng, 90))[None, None] * level[..., None] + rng.normal(0, rng.uniform(0, 12), (*x.shape, 1))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def banded(rng, number, parts):
    """A gradient in a few steps."""
    picture = np.asarray(linear(rng, number, parts), float)
    step = 256 / rng.integers(4, 14)
    return Image.fromarray((picture // step * step).astype(np.uint8))


def noisy(rng, number, parts):
    picture = np.asarray((linear if rng.random() < 0.5 else radial)(rng, number, parts), float)
    return Image.fromarray(np.clip(picture + rng.normal(0, rng.uniform(3, 30), picture.shape), 0, 255).astype(np.uint8))


def horizon(rng, _number, _parts):
    """Two gradients that meet in a line: sky and sea."""
    width, height = size(rng)
    at = int(height * rng.uniform(0.3, 0.7))
    y = np.repeat(np.linspace(0, 1, height)[:, None], width, 1)
    sky, sea = blend(y * 1.5, colour(rng, 100), colour(rng, 160)), blend(y, colour(rng, 0, 150), colour(rng, 0, 120))
    sky.paste(sea.crop((0, at, width, height)), (0, at))
    return sky


def blob(rng, draw, box):
    """Some object within a box."""
    kind = rng.integers(4)
    if kind == 0:
        draw.ellipse(box, fill=colour(rng, 0, 200))
    elif kind == 1:
        draw.rectangle(box, fill=colour(rng, 0, 200))
    elif kind == 2:
        left, top, right, bottom = box
        draw.polygon([(rng.uniform(left, right), rng.uniform(top, bottom)) for _ in range(int(rng.integers(3, 8)))], fill=colour(rng, 0, 200))
    else:
        draw.text(box[:2], word(rng).upper(), fill=colour(rng, 0, 200), font=any_font(rng, (box[3] - box[1]) * 0.8))


def centred(rng, _number, _parts):
    """A logo in the middle of white."""
    width, height = size(rng)
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    draw, part = ImageDraw.Draw(picture), rng.uniform(0.08, 0.3)
    for _ in range(int(rng.integers(1, 4))):
        w, h = width * part * rng.uniform(0.5, 1), height * part * rng.uniform(0.5, 1)
        blob(rng, draw, (width / 2 - w, height / 2 - h, width / 2 + w, height / 2 + h))
    return picture


def product(rng, _number, _parts):
    """An object with a soft shadow on a light ground."""
    width, height = size(rng)
    picture = Image.new("RGB", (width, height), colour(rng, 225))
    w, h, cx, cy = width * rng.uniform(0.15, 0.4), height * rng.uniform(0.15, 0.4), width / 2, height * 0.52
    shadow = Image.new("L", (width, height), 0)
    ImageDraw.Draw(shadow).ellipse((cx - w, cy + h * 0.8, cx + w, cy + h * 1.15), fill=140)
    picture.paste((90, 90, 90), mask=shadow.filter(ImageFilter.GaussianBlur(14)))
    for _ in range(int(rng.integers(1, 5))):
        s = rng.uniform(0.4, 1)
        blob(rng, ImageDraw.Draw(picture), (cx - w * s, cy - h * s, cx + w * s, cy + h * s))
    return picture


def icon(rng, _number, _parts):
    """A light sign on a coloured square with round corners."""
    side = int(rng.integers(96, 400))
    picture = Image.new("RGB", (side, side), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((side * 0.04, side * 0.04, side * 0.96, side * 0.96), side * 0.2, fill=colour(rng, 0, 200))
    for _ in range(int(rng.integers(1, 4))):
        cx, cy, r = side * rng.uniform(0.35, 0.65), side * rng.uniform(0.35, 0.65), side * rng.uniform(0.08, 0.3)
        kind = rng.integers(3)
        if kind == 0:
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(255, 255, 255))
        elif kind == 1:
            draw.rectangle((cx - r, cy - r / 2, cx + r, cy + r / 2), fill=(255, 255, 255))
        else:
            draw.text((side * 0.25, side * 0.18), word(rng)[:1].upper(), fill=(255, 255, 255), font=any_font(rng, side * 0.55))
    return picture


def code(rng, _number, _parts):
    """Like a QR code: three finder squares, random modules."""
    modules, zoom, quiet = int(rng.choice([21, 25, 29, 33])), int(rng.integers(6, 14)), 4
    cells = rng.random((modules, modules)) < 0.5
    finder = np.zeros((8, 8), bool)
    finder[:7, :7], finder[1:6, 1:6], finder[2:5, 2:5] = True, False, True
    cells[:8, :8], cells[:8, -8:], cells[-8:, :8] = finder, finder[:, ::-1], finder[::-1]
    values = np.where(np.pad(cells, quiet), 0, 255).astype(np.uint8)
    return Image.fromarray(np.kron(values, np.ones((zoom, zoom), np.uint8))).convert("RGB")


def stripes(rng, _number, _parts):
    x, y = grid(*size(rng))
    angle = rng.integers(4) * np.pi / 4 if rng.random() < 0.7 else rng.uniform(0, np.pi)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * np.pi * rng.uniform(2, 14) + rng.uniform(0, 6))
    return blend((wave > 0).astype(float) if rng.random() < 0.6 else wave / 2 + 0.5, colour(rng), colour(rng))


def checkers(rng, _number, _parts):
    width, height = size(rng)
    rows, columns = int(rng.integers(2, 14)), int(rng.integers(2, 14))
    x, y = np.meshgrid(np.arange(width) * columns // width, np.arange(height) * rows // height)
    return blend(((x + y) % 2).astype(float), colour(rng), colour(rng))


def chart(rng, _number, _parts):
    """Bars, lines or a pie, with axes and labels, on white."""
    picture = Image.new("RGB", (640, 420), (255, 255, 255))
    draw, font, kind = ImageDraw.Draw(picture), any_font(rng, 13), rng.integers(3)
    draw.text((200, 12), words(rng, 3), fill=(40, 40, 40), font=any_font(rng, 20))
    count = int(rng.integers(4, 14))
    values = rng.uniform(0.1, 1, count)
    if kind == 2:
        ends = np.cumsum(values) / values.sum() * 360
        for first, last in zip(np.r_[0, ends[:-1]], ends):
            draw.pieslice((190, 70, 450, 330), first, last, fill=colour(rng, 40, 230))
        return picture
    draw.line((60, 50, 60, 370, 610, 370), fill=(40, 40, 40), width=2)
    for row in range(6):
        draw.line((60, 50 + 64 * row, 610, 50 + 64 * row), fill=(220, 220, 220))
        draw.text((20, 42 + 64 * row), str(10 * (5 - row)), fill=(40, 40, 40), font=font)
    left = 70 + np.arange(count) * 530 / count
    if kind == 0:
        paint = colour(rng, 0, 200)
        for at, value in zip(left, values):
            draw.rectangle((at, 370 - 310 * value, at + 380 / count, 370), fill=paint)
    else:
        for _ in range(int(rng.integers(1, 4))):
            draw.line([(at, 370 - 310 * v) for at, v in zip(left, rng.uniform(0.1, 1, count))], fill=colour(rng, 0, 200), width=3)
    return picture


FAMILIES = {
    "gradients": ["linear", "radial", "vignette", "banded", "noisy", "horizon"],
    "on white": ["centred", "product", "icon", "chart"],
    "patterns": ["code", "stripes", "checkers"],
}
GROUPS = {name: globals()[name] for names in FAMILIES.values() for name in names}
