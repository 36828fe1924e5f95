"""Why an outgoing request gave nothing."""

from typing import Literal

Reason = Literal[
    "url", "scheme", "dns", "address", "tls", "redirect", "encoding", "too_large", "too_slow", "no_answer"
]  # fmt: skip


class Unreachable(Exception):
    """An outgoing request that was refused, or that got no answer as it must be.

    reason: stable, for logs, audit and decisions. The text names the host and why; it quotes neither path nor answer.
    """

    def __init__(self, reason: Reason, detail: str, *, host: str = "") -> None:
        super().__init__(f"{host}: {detail}" if host else detail)
        self.reason, self.host = reason, host
