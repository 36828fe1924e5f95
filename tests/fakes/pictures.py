"""Pictures that people send."""

import io

from PIL import Image
from werkzeug.test import TestResponse

from tests.fakes.holder import Holder

PERSONAL, PICTURE, SHOWN = "/compte/personal", "/compte/personal/picture", "/compte/picture"


def png(color: str = "red", size: tuple[int, int] = (300, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG")
    return out.getvalue()


def send(holder: Holder, file: bytes, name: str = "me.png", to: str = PICTURE) -> TestResponse:
    """Written by hand: werkzeug's client would put a large one into a file of its own."""
    start = "--x\r\nContent-Disposition: form-data; name="
    form = f'{start}"csrf"\r\n\r\n{holder.csrf()}\r\n{start}"picture"; filename="{name}"\r\n\r\n'.encode()
    return holder.browser.post(to, data=form + file + b"\r\n--x--\r\n", content_type="multipart/form-data; boundary=x")


def url_of(holder: Holder) -> str:
    html = holder.browser.get(PERSONAL).text
    return html.partition(f'src="{SHOWN}?v=')[2].partition('"')[0]
