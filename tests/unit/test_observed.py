"""Every request is counted and logged, also one that breaks."""

from typing import Any

import pytest

from idp.web.observed import Observed


class Breaks:
    """Answers, and then breaks."""

    def __init__(self, *, starts: bool) -> None:
        self.starts = starts

    def __call__(self, _environ: dict[str, Any], start_response: Any) -> Any:
        if not self.starts:
            raise OSError("broken")
        start_response("200 OK", [])
        return self._body()

    def _body(self) -> Any:
        yield b"half"
        raise OSError("broken")


@pytest.mark.parametrize("starts", [False, True])
def test_a_request_that_breaks_is_noted_as_an_error(starts: bool) -> None:
    noted: list[tuple[str, str, int]] = []
    app = Observed(Breaks(starts=starts), note=lambda route, method, status, _s: noted.append((route, method, status)))
    with pytest.raises(OSError, match="broken"):
        app({"REQUEST_METHOD": "GET"}, lambda *_: None)  # type: ignore[arg-type]
    assert noted == [("unknown", "GET", 500)]
