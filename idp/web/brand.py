"""A region's colour as style variables, in a file of its own: the Content Security Policy allows no inline style."""

from idp.settings.sections import Brand

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Rgb = tuple[int, int, int]


def stylesheet(brand: Brand) -> str:
    """The variables of the brand colour; tokens.css derives the dark mode from them."""
    color = _parse(brand.color)
    tones = {"brand": color, "brand-dark": _mix(color, BLACK, 0.25), "brand-tint": _mix(color, WHITE, 0.89)}
    return f":root {{ {_variables(tones)} }}\n"


def _parse(color: str) -> Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _mix(color: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue


def _variables(colors: dict[str, Rgb]) -> str:
    return " ".join(f"--{name}: #{r:02x}{g:02x}{b:02x};" for name, (r, g, b) in colors.items())
