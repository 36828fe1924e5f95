"""A picture is drawn anew, whatever was in the file; what is none is refused."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any

import pytest
from PIL import Image

from idp.errors import Unavailable
from idp.web import portrait as portraits
from idp.web.picture_effort import MAX_SCANS, MAX_SEGMENTS
from idp.web.portrait import MAX_PIXELS, SIDE, BadPicture, portrait

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def plain(width: int = 400, height: int = 300, color: Any = RED, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), color)


def drawn(file: bytes) -> Image.Image:
    made = Image.open(io.BytesIO(portrait(file)))
    made.load()
    assert (made.format, made.size, made.mode) == ("JPEG", (SIDE, SIDE), "RGB")
    return made


def is_near(found: Any, color: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(found, color, strict=True))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says how large it is, and has what would fill it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def frames(form: str) -> bytes:
    return encoded(plain(), form, save_all=True, append_images=[plain(color=BLUE)])


def code_of(file: bytes) -> str:
    with pytest.raises(BadPicture) as refused:
        portrait(file)
    return refused.value.code


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\0" * 100,
        b"hello",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        encoded(plain())[:-60],
        encoded(plain(), "JPEG")[:400],
        encoded(plain(), "WEBP")[:40],
        encoded(plain(), "BMP"),
        encoded(plain(), "TIFF"),
        frames("GIF"),
        encoded(plain().convert("P"), "GIF"),
        encoded(plain(64, 64), "ICO"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused(file: bytes) -> None:
    assert code_of(file) == "unreadable"


@pytest.mark.filterwarnings("ignore")  # as they are in production
@pytest.mark.parametrize("size", [(5000, 5000), (60_000, 60_000), (2**31 - 1, 1), (MAX_PIXELS // 100 + 1, 100)])
def test_a_bomb_is_not_decoded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("decoded"))
    assert code_of(bomb(*size)) == "too_many_pixels"


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def scans(count: int, frame: int = 0xC2, before: bytes = b"", between: bytes = b"") -> bytes:
    """A grey JPEG of few bytes: without anything in them, each scan draws all of its pixels again."""
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    for kind in (b"\x00", b"\x10"):
        tables += segment(0xC4, kind + b"\1" + b"\0" * 16)
    header = segment(frame, struct.pack(">BHHB", 8, 64, 64, 1) + b"\1\x11\0")
    first, again = segment(0xDA, b"\1\1\0\0\0\0"), segment(0xDA, b"\1\1\0\1\x3f\0")
    return b"\xff\xd8" + before + tables + header + first + (between + again) * (count - 1) + b"\xff\xd9"


PNG = encoded(plain())
HEADER_END = 33  # of a PNG: its signature and IHDR
PROFILE = chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 100_000))
EXIF = b"Exif\0\0"


@pytest.mark.parametrize(
    "file",
    [
        scans(MAX_SCANS + 1),
        scans(MAX_SCANS + 1, between=b"\xff\0\xff\xd0junk\xff\xff"),
        scans(MAX_SCANS + 1, before=segment(0xE1, EXIF + b"\xff\xd9")),
        scans(2, frame=0xCA),  # arithmetic
        scans(2, frame=0xC9),
        scans(2, before=segment(0xE1, EXIF + b"a") * MAX_SEGMENTS),
        PNG[:HEADER_END] + PROFILE * 2 + PNG[HEADER_END:],
        PNG[:-12] + PROFILE * 2 + PNG[-12:],
    ],
)
def test_what_makes_much_work_of_few_bytes_is_not_opened(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.Image.open", lambda *_, **__: pytest.fail("opened"))
    assert code_of(file) == "unreadable"


@pytest.mark.parametrize(
    "file",
    [
        scans(MAX_SCANS),
        scans(10, between=b"\xff\xff"),
        scans(10) + b"\xff\xda\0\2" * 1000,  # a film after the picture
        encoded(plain(), "JPEG", progressive=True, exif=b"Exif\0\0" + b"\xff\xda" * 1000),
        PNG[:HEADER_END] + PROFILE + PNG[HEADER_END:],
    ],
)
def test_what_makes_little_work_is_drawn(file: bytes) -> None:
    assert drawn(file)


def test_who_waits_too_long_for_another_picture_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        def acquire(self, timeout: float) -> bool:
            assert timeout <= 1.0
            return False

    monkeypatch.setattr(portraits, "_ONE_AT_A_TIME", Taken())
    monkeypatch.setattr("PIL.Image.open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(Unavailable):
        portrait(PNG)


def test_one_is_drawn_at_a_time_and_the_place_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    place, draw, drew = BoundedSemaphore(1), portraits._drawn, []

    def alone(file: bytes) -> Image.Image:
        assert not place.acquire(blocking=False)
        drew.append(file)
        return draw(file)

    monkeypatch.setattr(portraits, "_ONE_AT_A_TIME", place)
    monkeypatch.setattr(portraits, "_drawn", alone)
    assert portrait(PNG)
    assert code_of(b"none") == "unreadable"
    assert portrait(PNG)
    assert len(drew) == 3


@pytest.mark.filterwarnings("error")
def test_what_decoders_say_of_a_file_does_not_fill_the_logs() -> None:
    """One line for each of any number of entries."""
    entries = b"".join(struct.pack("<HHII", 1000 + index, 7, 9000, 8) for index in range(20))
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 20) + entries + b"\0" * 9000
    assert drawn(PNG[:HEADER_END] + chunk(b"eXIf", exif) + PNG[HEADER_END:])


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_moves_is_refused(form: str) -> None:
    assert code_of(frames(form)) == "animated"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_is_damaged_anywhere_is_refused_or_drawn(form: str) -> None:
    """Never another exception."""
    whole = encoded(plain(color=(10, 120, 200)).effect_spread(30), form, exif=Image.Exif().tobytes())
    chosen = random.Random(7)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chosen.randint(1, 8)):
            damaged[chosen.randrange(len(damaged))] = chosen.randrange(256)
        with suppress(BadPicture):
            assert drawn(bytes(damaged))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(400, 300), (300, 400), (1, 1), (3000, 20), (256, 256)])
def test_any_shape_becomes_a_square(form: str, size: tuple[int, int]) -> None:
    assert is_near(drawn(encoded(plain(*size), form)).getpixel((128, 128)), RED)


def test_a_telephones_picture_is_drawn() -> None:
    assert drawn(encoded(plain(4032, 3024), "JPEG"))


def test_the_middle_is_kept() -> None:
    wide = plain(900, 300, BLUE)
    wide.paste(RED, (300, 0, 600, 300))
    made = drawn(encoded(wide))
    assert is_near(made.getpixel((3, 128)), RED)
    assert is_near(made.getpixel((252, 128)), RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "CMYK", "I;16"])
def test_any_kind_of_pixels(mode: str) -> None:
    source = Image.new("RGBA", (300, 300), (255, 0, 0, 0)) if mode in {"RGBA", "P"} else Image.new(mode, (300, 300))
    form = "JPEG" if mode == "CMYK" else "PNG"
    made = drawn(encoded(source.convert(mode) if mode == "P" else source, form))
    if mode in {"RGBA", "LA"}:
        assert is_near(made.getpixel((128, 128)), WHITE)


def _quarters() -> Image.Image:
    """Red at the top left, blue elsewhere."""
    image = plain(400, 400, BLUE)
    image.paste(RED, (0, 0, 200, 200))
    return image


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [
        (1, (40, 40)),
        (2, (216, 40)),
        (3, (216, 216)),
        (4, (40, 216)),
        (5, (40, 40)),
        (6, (216, 40)),
        (7, (216, 216)),
        (8, (40, 216)),
        (9, (40, 40)),
    ],
)
@pytest.mark.spec("EXIF 2.3 §4.6.4")
def test_it_is_turned_as_it_was_held(orientation: int, red_at: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = drawn(encoded(_quarters(), "JPEG", exif=exif))
    places = ((40, 40), (216, 40), (216, 216), (40, 216))
    assert [place for place in places if is_near(made.getpixel(place), RED)] == [red_at]


SECRET = b"4 rue des Soins"


@pytest.mark.parametrize(
    "file",
    [
        lambda: encoded(plain(), "JPEG", comment=SECRET, icc_profile=SECRET * 20, exif=_described()),
        lambda: encoded(plain(), "PNG", icc_profile=SECRET * 20, exif=_described()),
        lambda: encoded(plain(), "WEBP", icc_profile=SECRET * 20, exif=_described(), xmp=SECRET),
        lambda: encoded(plain(), "JPEG") + b"<script>" + SECRET,
    ],
)
def test_nothing_of_the_file_but_its_pixels_is_kept(file: Callable[[], bytes]) -> None:
    sent = file()
    assert SECRET in sent or b"PNG" in sent
    made = portrait(sent)
    assert SECRET not in made
    assert {"exif", "icc_profile", "comment", "xmp"}.isdisjoint(Image.open(io.BytesIO(made)).info)


def _described() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    return exif.tobytes()
