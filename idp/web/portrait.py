"""A picture that somebody sent, drawn anew as one that can be shown: nothing else of the file is kept."""

import io
import warnings
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from idp.errors import Unavailable
from idp.web.picture_effort import is_laborious

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 256
MAX_PIXELS = 12_500_000  # a telephone's 12 megapixels are 4032 × 3024
FORMATS = ("JPEG", "PNG", "WEBP")
MEDIA_TYPE = "image/jpeg"
ORIENTATION = 0x0112  # EXIF 2.3 §4.6.4
WAIT_S = 1.0
_ONE_AT_A_TIME = BoundedSemaphore(1)  # the pixels of the largest are 50 MB


class BadPicture(Exception):
    """It cannot be shown. code: `unreadable`, `too_many_pixels` or `animated`."""

    def __init__(self, code: str, cause: str = "") -> None:
        super().__init__(cause or code)
        self.code = code


def portrait(file: bytes) -> bytes:
    """The square in the middle of an image, SIDE pixels wide, as a JPEG without metadata. Raises BadPicture.

    Unavailable while another is being drawn for longer than WAIT_S: the threads that wait would serve nobody.
    """
    if is_laborious(file):
        raise BadPicture("unreadable", "laborious")
    if not _ONE_AT_A_TIME.acquire(timeout=WAIT_S):
        raise Unavailable("another picture is being drawn")
    try:
        drawn = _drawn(file)
    finally:
        _ONE_AT_A_TIME.release()
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=85)
    return out.getvalue()


def _drawn(file: bytes) -> "Image":
    from PIL import Image  # noqa: PLC0415 - heavy, and seldom needed

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # a hostile file makes any number of them
    try:
        with Image.open(io.BytesIO(file), formats=FORMATS) as image:
            _check(image)
            return _upright(_square(image), image.getexif().get(ORIENTATION, 1))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture("too_many_pixels") from error
    except BadPicture:
        raise
    except Exception as error:  # decoders fail on a hostile file in more ways than they declare
        raise BadPicture("unreadable", type(error).__name__) from error


def _check(image: "Image") -> None:
    """From what the header says, before anything is decoded. Raises BadPicture."""
    if image.width * image.height > MAX_PIXELS:
        raise BadPicture("too_many_pixels")
    if image.format in {"PNG", "WEBP"} and getattr(image, "is_animated", False):
        raise BadPicture("animated")  # a JPEG of several frames is a telephone's; its first is the picture


def _square(image: "Image") -> "Image":
    """What is transparent becomes white; a new image has none of what came with the old one."""
    from PIL import Image  # noqa: PLC0415

    image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a large JPEG is decoded smaller
    pixels = image.convert("RGBA" if image.has_transparency_data else "RGB")
    side = min(pixels.size)
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    small = pixels.resize(
        (SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side), reducing_gap=3.0
    )
    drawn = Image.new("RGB", (SIDE, SIDE), "white")
    drawn.paste(small, mask=small if small.mode == "RGBA" else None)
    return drawn


def _upright(drawn: "Image", orientation: object) -> "Image":
    """Turned as EXIF says that it was held; a square is turned as well after it was cut out as before."""
    from PIL.Image import Transpose  # noqa: PLC0415

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return drawn if turn is None else drawn.transpose(turn)
