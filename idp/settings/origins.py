"""The origin of an address (RFC 6454 §4), which is what fences and the Content Security Policy know."""

from urllib.parse import urlsplit


def origin_of(url: str) -> str:
    """`https://host[:port]` of an absolute URL, as it is written there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
