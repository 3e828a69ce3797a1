"""Screenshots: the frame is the same throughout a group, what it shows is not.

Photographs come from `parts`; a picture of a group takes parts that no other of the group takes.
"""

import numpy as np
from PIL import Image, ImageDraw

from .fonts import any_font, words

WIDTH, HEIGHT = 432, 888


def part(parts, number, count=1, at=0):
    return parts[(number * count + at) % len(parts)]


def fit(picture, width, height):
    """Fills a rectangle: enlarged or reduced, and cut."""
    scale = max(width / picture.width, height / picture.height)
    picture = picture.resize((max(width, round(picture.width * scale)), max(height, round(picture.height * scale))))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def inside(picture, width, height, ground):
    """The whole picture within a rectangle, centred."""
    out = Image.new("RGB", (width, height), ground)
    scale = min(width / picture.width, height / picture.height)
    small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    out.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return out


def phone(title, dark=False):
    """An empty phone screen with status bar and title bar."""
    ground, bar = ((18, 18, 20), (34, 36, 40)) if dark else ((236, 229, 221), (7, 94, 84))
    screen = Image.new("RGB", (WIDTH, HEIGHT), ground)
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, WIDTH, 90), fill=bar)
    fixed = np.random.default_rng(3)
    draw.text((12, 6), "12:41", fill=(255, 255, 255), font=any_font(fixed, 15))
    draw.rectangle((384, 8, 418, 22), outline=(255, 255, 255))
    draw.ellipse((44, 36, 84, 76), fill=(200, 200, 200))
    draw.text((96, 42), title, fill=(255, 255, 255), font=any_font(fixed, 20))
    return screen, draw


def keyboard(draw):
    draw.rectangle((0, 600, WIDTH, HEIGHT), fill=(209, 213, 219))
    for row in range(4):
        for key in range(10):
            left, top = 5 + key * 42.5, 640 + row * 58
            draw.rounded_rectangle((left, top, left + 37, top + 48), 5, fill=(255, 255, 255))
            draw.text((left + 12, top + 12), "qwertyuiopasdfghjklzxcvbnm,.?!123456789+"[row * 10 + key], fill=(0, 0, 0), font=any_font(np.random.default_rng(3), 18))


def bubbles(rng, draw, top, bottom):
    while True:
        rows, mine = int(rng.integers(1, 4)), rng.random() < 0.5
        height, width = 14 + 20 * rows, int(rng.integers(120, 300))
        if top + height > bottom:
            return
        left = WIDTH - 12 - width if mine else 12
        draw.rounded_rectangle((left, top, left + width, top + height), 10, fill=(220, 248, 198) if mine else (255, 255, 255))
        for row in range(rows):
            draw.text((left + 8, top + 6 + 20 * row), words(rng, 6)[: width // 9], fill=(20, 20, 20), font=any_font(np.random.default_rng(3), 15))
        top += height + 10


def chat(rng, _number, _parts):
    """Messages only."""
    screen, draw = phone("Group")
    bubbles(rng, draw, 104, 820)
    draw.rounded_rectangle((10, 834, 370, 878), 20, fill=(255, 255, 255))
    draw.ellipse((380, 834, 424, 878), fill=(7, 94, 84))
    return screen


def chat_typing(rng, _number, _parts):
    """Messages and a keyboard."""
    screen, draw = phone("Group")
    bubbles(rng, draw, 104, 540)
    draw.rounded_rectangle((10, 552, 370, 594), 20, fill=(255, 255, 255))
    keyboard(draw)
    return screen


def chat_photo(rng, number, parts):
    """One photograph as a message, and a few words."""
    screen, draw = phone("Group")
    screen.paste(fit(part(parts, number), 300, 300), (20, 110))
    bubbles(rng, draw, 430, 820)
    draw.rounded_rectangle((10, 834, 370, 878), 20, fill=(255, 255, 255))
    return screen


def viewer(_rng, number, parts):
    """A photograph full width on black, with bars above and below."""
    screen, draw = phone("Photo", dark=True)
    screen.paste(inside(part(parts, number), WIDTH, 660, (18, 18, 20)), (0, 100))
    draw.rectangle((0, 800, WIDTH, HEIGHT), fill=(34, 36, 40))
    for at in (60, 160, 260, 360):
        draw.ellipse((at - 14, 830, at + 14, 858), outline=(255, 255, 255), width=3)
    return screen


def gallery(_rng, number, parts):
    """Three columns of photographs."""
    screen, draw = phone("Gallery", dark=True)
    for cell in range(15):
        screen.paste(fit(part(parts, number, 15, cell), 140, 140), (3 + cell % 3 * 143, 96 + cell // 3 * 143))
    draw.rectangle((0, 815, WIDTH, HEIGHT), fill=(34, 36, 40))
    return screen


def web_page(rng, number, parts):
    """One site: header, menu, an article with a small photograph, a column beside it."""
    page = Image.new("RGB", (800, 600), (255, 255, 255))
    draw, fixed = ImageDraw.Draw(page), np.random.default_rng(3)
    font = any_font(fixed, 13)
    draw.rectangle((0, 0, 800, 36), fill=(222, 225, 230))
    draw.rounded_rectangle((120, 6, 680, 30), 10, fill=(255, 255, 255))
    draw.rectangle((0, 36, 800, 90), fill=(180, 30, 40))
    draw.text((20, 46), "The Paper", fill=(255, 255, 255), font=any_font(fixed, 30))
    draw.rectangle((0, 90, 150, 600), fill=(240, 240, 240))
    for row in range(12):
        draw.text((14, 104 + 26 * row), words(fixed, 1), fill=(60, 60, 60), font=font)
    draw.text((170, 100), words(rng, 4)[:34], fill=(0, 0, 0), font=any_font(fixed, 24))
    page.paste(fit(part(parts, number), 240, 150), (170, 140))
    for row in range(15):
        left = 425 if row < 8 else 170
        draw.text((left, 140 + 20 * row if row < 8 else 305 + 20 * (row - 8)), words(rng, 7)[: 24 if row < 8 else 56], fill=(30, 30, 30), font=font)
    for row in range(5):
        draw.rectangle((640, 140 + 90 * row, 780, 220 + 90 * row), fill=(228, 228, 236))
        draw.text((648, 150 + 90 * row), words(rng, 2)[:16], fill=(60, 60, 60), font=font)
    return page


def player(_rng, number, parts):
    """A video site: the film large, controls below, suggestions beside."""
    page = Image.new("RGB", (800, 500), (15, 15, 15))
    draw, fixed = ImageDraw.Draw(page), np.random.default_rng(3)
    draw.rectangle((0, 0, 800, 40), fill=(33, 33, 33))
    draw.rounded_rectangle((220, 8, 560, 32), 10, fill=(18, 18, 18), outline=(80, 80, 80))
    page.paste(fit(part(parts, number, 6), 560, 315), (15, 55))
    draw.rectangle((15, 364, 575, 370), fill=(120, 120, 120))
    draw.rectangle((15, 364, 200, 370), fill=(230, 30, 30))
    draw.text((15, 385), words(fixed, 4), fill=(240, 240, 240), font=any_font(fixed, 20))
    for row in range(5):
        page.paste(fit(part(parts, number, 6, row + 1), 110, 70), (590, 55 + 84 * row))
        for line in range(2):
            draw.text((708, 60 + 84 * row + 20 * line), words(_rng, 2)[:10], fill=(220, 220, 220), font=any_font(fixed, 13))
    return page


def desktop(_rng, number, parts):
    """A file manager with thumbnails."""
    page = Image.new("RGB", (800, 500), (250, 250, 250))
    draw, fixed = ImageDraw.Draw(page), np.random.default_rng(3)
    font = any_font(fixed, 12)
    draw.rectangle((0, 0, 800, 44), fill=(225, 225, 228))
    draw.rectangle((0, 44, 160, 500), fill=(240, 240, 243))
    for row in range(9):
        draw.text((20, 60 + 28 * row), words(fixed, 1), fill=(60, 60, 60), font=font)
    for cell in range(12):
        left, top = 180 + cell % 4 * 152, 60 + cell // 4 * 146
        page.paste(inside(part(parts, number, 12, cell), 130, 100, (250, 250, 250)), (left, top))
        draw.text((left + 30, top + 106), f"IMG_{1000 + number * 12 + cell}.jpg", fill=(60, 60, 60), font=font)
    return page


GROUPS = {f.__name__: f for f in (chat, chat_typing, chat_photo, viewer, gallery, web_page, player, desktop)}

NEED_PARTS = {"chat_photo", "viewer", "gallery", "web_page", "player", "desktop"}
