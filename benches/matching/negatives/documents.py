"""Pages of text: letters, articles, tables, forms, receipts, slides, listings."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .fonts import any_font, number, word, words

A4 = 2**0.5


def sheet(rng, width, height):
    """An empty page: white, or as a scanner or camera gives it."""
    tone = 255 if rng.random() < 0.5 else int(rng.integers(225, 255))
    page = Image.new("RGB", (width, height), (tone, tone, max(0, tone - int(rng.integers(0, 12)))))
    return page, ImageDraw.Draw(page)


def digitised(rng, page):
    """Half of the pages as they come from a scanner: a little askew, noisy, soft."""
    if rng.random() < 0.5:
        return page
    page = page.rotate(float(rng.normal(0, 0.5)), Image.BICUBIC, fillcolor=page.getpixel((0, 0)))
    page = page.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.8))))
    noise = rng.normal(0, rng.uniform(0.5, 4), (page.height, page.width, 1))
    return Image.fromarray(np.clip(np.asarray(page, float) + noise, 0, 255).astype(np.uint8))


def ink(rng):
    dark = int(rng.integers(0, 70))
    return (dark, dark, dark)


def lines(rng, draw, box, font, spacing, colour, full=0.97, paragraph=6):
    """Fills a box with lines of words; paragraphs end with a short line."""
    left, top, right, bottom = box
    left_in_paragraph = int(rng.integers(1, paragraph + 1))
    while top + font.size < bottom:
        last = left_in_paragraph == 0
        end = left + (right - left) * (rng.uniform(0.2, 0.8) if last else rng.uniform(full - 0.06, full))
        text = words(rng, 26)
        while text and draw.textlength(text, font) > end - left:
            text = text.rpartition(" ")[0]
        draw.text((left, top), text, fill=colour, font=font)
        top += spacing * (1.6 if last else 1)
        left_in_paragraph = int(rng.integers(2, paragraph + 4)) if last else left_in_paragraph - 1
    return top


def article(rng, _number, _parts):
    width = int(rng.integers(480, 700))
    height = int(width * A4)
    page, draw = sheet(rng, width, height)
    margin = width * rng.uniform(0.06, 0.13)
    columns = int(rng.choice([1, 1, 2, 3]))
    font = any_font(rng, width / rng.uniform(42, 70))
    top = margin
    if rng.random() < 0.6:
        heading = any_font(rng, width / rng.uniform(16, 30))
        draw.text((margin, top), words(rng, int(rng.integers(1, 4))), fill=ink(rng), font=heading)
        top += heading.size * 2
    gap = width * 0.03
    each = (width - 2 * margin - gap * (columns - 1)) / columns
    spacing, colour = font.size * rng.uniform(1.15, 1.7), ink(rng)
    for column in range(columns):
        left = margin + column * (each + gap)
        end = height - margin if rng.random() < 0.7 else height * rng.uniform(0.4, 0.9)
        lines(rng, draw, (left, top, left + each, end), font, spacing, colour)
    return digitised(rng, page)


def letter(rng, _number, _parts):
    """One layout for all: letterhead, address, text, signature; only the words differ."""
    width, height = 620, int(620 * A4)
    page, draw = sheet(rng, width, height)
    font, colour = any_font(rng, 13), ink(rng)
    draw.text((400, 50), words(rng, 2), fill=colour, font=any_font(rng, 22))
    for row in range(4):
        draw.text((70, 130 + 18 * row), words(rng, 2), fill=colour, font=font)
    draw.text((430, 220), f"{rng.integers(1, 29)}.{rng.integers(1, 13)}.{rng.integers(1990, 2026)}", fill=colour, font=font)
    end = lines(rng, draw, (70, 270, 560, rng.uniform(480, 740)), font, 19, colour)
    draw.line([(70 + 12 * i, end + 30 + rng.normal(0, 8)) for i in range(12)], fill=(30, 30, 90), width=2)
    return digitised(rng, page)


def table(rng, _number, _parts):
    width = int(rng.integers(500, 800))
    height = int(width * rng.uniform(0.6, 1.4))
    page, draw = sheet(rng, width, height)
    rows, columns = int(rng.integers(8, 36)), int(rng.integers(3, 9))
    margin, colour, ruled = width * 0.05, ink(rng), rng.random() < 0.7
    step, each = (height - 2 * margin) / rows, (width - 2 * margin) / columns
    font = any_font(rng, min(step * 0.6, each / 6))
    for row in range(rows):
        top = margin + row * step
        if row == 0 or (row % 2 == 0 and not ruled):
            draw.rectangle((margin, top, width - margin, top + step), fill=(205, 215, 230) if row == 0 else (238, 238, 238))
        for column in range(columns):
            cell = word(rng) if column == 0 or row == 0 else number(rng)
            draw.text((margin + column * each + 4, top + step * 0.2), cell, fill=colour, font=font)
        if ruled:
            draw.line((margin, top, width - margin, top), fill=colour)
    if ruled:
        for column in range(columns + 1):
            draw.line((margin + column * each, margin, margin + column * each, height - margin), fill=colour)
    return digitised(rng, page)


def form(rng, _number, _parts):
    """One printed form, filled in differently."""
    width, height = 620, int(620 * A4)
    page, draw = sheet(rng, width, height)
    fixed = np.random.default_rng(7)
    label, pen = any_font(fixed, 11), any_font(rng, 16)
    draw.rectangle((40, 40, 580, 90), fill=(60, 80, 120))
    draw.text((55, 52), words(fixed, 3), fill=(255, 255, 255), font=any_font(fixed, 22))
    for row in range(16):
        top = 110 + 45 * row
        for left, right in ([(40, 305), (315, 580)] if row % 3 else [(40, 580)]):
            draw.rectangle((left, top, right, top + 36), outline=(90, 90, 90))
            draw.text((left + 4, top + 1), words(fixed, 2), fill=(90, 90, 90), font=label)
            if rng.random() < 0.75:
                draw.text((left + 10, top + 14), words(rng, int(rng.integers(1, 4)))[:24], fill=(20, 30, 120), font=pen)
    return digitised(rng, page)


def receipt(rng, _number, _parts):
    width = int(rng.integers(260, 380))
    items = int(rng.integers(4, 30))
    height = int(260 + items * 22)
    page, draw = sheet(rng, width, height)
    font, colour = any_font(rng, 14), ink(rng)
    draw.text((width * 0.25, 20), word(rng).upper(), fill=colour, font=any_font(rng, 26))
    draw.text((width * 0.15, 60), words(rng, 3), fill=colour, font=font)
    for row in range(items + 1):
        top = 110 + 22 * row + (14 if row == items else 0)
        price = number(rng)
        draw.text((14, top), word(rng)[:12] if row < items else "TOTAL", fill=colour, font=font)
        draw.text((width - 14 - draw.textlength(price, font), top), price, fill=colour, font=font)
    for bar in range(60):
        left = width * 0.1 + bar * width * 0.8 / 60
        if rng.random() < 0.5:
            draw.rectangle((left, height - 80, left + width * 0.8 / 60, height - 30), fill=colour)
    return digitised(rng, page)


def slide(rng, _number, _parts):
    """One theme: a coloured band with a title, and a list."""
    page = Image.new("RGB", (720, 405), (255, 255, 255))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 720, 70), fill=(30, 70, 130))
    draw.text((30, 18), words(rng, 3), fill=(255, 255, 255), font=any_font(rng, 30))
    draw.rectangle((0, 385, 720, 405), fill=(30, 70, 130))
    for row in range(int(rng.integers(2, 7))):
        top = 100 + row * 44
        draw.ellipse((40, top + 8, 50, top + 18), fill=(30, 70, 130))
        draw.text((64, top), words(rng, int(rng.integers(2, 8)))[:48], fill=(40, 40, 40), font=any_font(rng, 21))
    return page


def listing(rng, _number, _parts):
    """Program text, dark on light or light on dark."""
    width, height = int(rng.integers(500, 900)), int(rng.integers(400, 800))
    dark = rng.random() < 0.5
    page = Image.new("RGB", (width, height), (30, 30, 36) if dark else (255, 255, 255))
    draw, font = ImageDraw.Draw(page), any_font(rng, rng.uniform(11, 18))
    depth, top = 0, 12
    while top < height - font.size:
        depth = int(np.clip(depth + rng.integers(-1, 2), 0, 5))
        colour = tuple(int(v) for v in rng.integers(140, 240, 3)) if dark else tuple(int(v) for v in rng.integers(0, 120, 3))
        if rng.random() < 0.88:
            draw.text((14 + depth * font.size * 2, top), words(rng, int(rng.integers(1, 7)))[:56], fill=colour, font=font)
        top += font.size * 1.35
    return page


def book(rng, _number, _parts):
    """A page of a book: one layout and font, full of text."""
    width, height = 480, 700
    page, draw = sheet(rng, width, height)
    lines(rng, draw, (50, 50, 430, 650), any_font(np.random.default_rng(5), 13), 18, (20, 20, 20), full=1, paragraph=9)
    return digitised(rng, page)


def notice(rng, _number, _parts):
    """One printed notice of which a line or two differ."""
    width, height = 480, 680
    page = Image.new("RGB", (width, height), (255, 255, 255))
    draw, fixed = ImageDraw.Draw(page), np.random.default_rng(9)
    draw.text((60, 40), words(fixed, 3), fill=(0, 0, 0), font=any_font(fixed, 30))
    for row in range(8):
        draw.text((50, 120 + 24 * row), words(fixed, 6)[:46], fill=(20, 20, 20), font=any_font(np.random.default_rng(5), 15))
    draw.text((50, 350), words(rng, 3)[:30], fill=(20, 20, 20), font=any_font(fixed, 24))
    draw.text((50, 400), words(rng, 6)[:46], fill=(20, 20, 20), font=any_font(fixed, 15))
    draw.rectangle((50, 470, 430, 640), outline=(0, 0, 0), width=3)
    return page


GROUPS = {
    "article": article,
    "letter": letter,
    "table": table,
    "form": form,
    "receipt": receipt,
    "slide": slide,
    "listing": listing,
    "book": book,
    "notice": notice,
}
