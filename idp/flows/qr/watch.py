"""What the computer's page asks while it waits for a phone: how its request stands, told at each change, or at once.

An open stream holds a thread, so that a process has few of them, and none is long: a page that finds no place asks
again every two seconds. Neither asks SQL anything.
"""

import hmac
import json
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Event
from typing import Any

import flask

from idp.domain.interaction import Interaction
from idp.domain.phone_request import State
from idp.errors import JourneyError, Unavailable
from idp.flows import visits
from idp.flows.qr import requests
from idp.flows.services import Services
from idp.methods.qr_code import QrCode
from idp.web.observed import Streamed

LOOK_EVERY_S = 0.5
LOOKS = 30  # 15 s in all, less than requests have to end when a worker is told to (idp.serving.STOP_S)
SAY_EVERY = 10  # looks: a word at least each 5 s; by one that nobody takes the server notices that the page is gone
RECONNECT_MS = 500
AGAIN_S = 30
OVER = frozenset({State.APPROVED, State.REFUSED, State.EXPIRED})
Wait = Callable[[float], object]


def add_routes(bp: flask.Blueprint, services: Services, wait: Wait | None = None) -> None:
    """wait: for so many seconds."""
    pause = wait or Event().wait
    places = BoundedSemaphore(max(1, services.settings.threads // 8))

    @bp.get(f"/login/<handle>/{QrCode.id}/state")
    def state(handle: str) -> flask.Response:
        return flask.jsonify(told(services, of_this_browser(services, handle)))

    @bp.get(f"/login/<handle>/{QrCode.id}/events")
    def events(handle: str) -> flask.Response:
        """Text of the type that HTML §9.2 defines."""
        interaction = of_this_browser(services, handle)
        if not places.acquire(blocking=False):
            return flask.Response(status=503, headers={"Retry-After": str(AGAIN_S)})
        body = Streamed(changes(lambda: told(services, interaction), pause), places.release)
        response = flask.Response(body, mimetype="text/event-stream", direct_passthrough=True)
        response.headers["X-Accel-Buffering"] = "no"  # nginx would hand it on in one piece, at the end
        return response


def of_this_browser(services: Services, handle: str) -> Interaction:
    """A login that this browser began. Raises JourneyError."""
    found = services.ephemeral.get_versioned(visits.KIND, handle)
    if found is None:
        raise JourneyError("interaction_gone", status=410)
    interaction = Interaction.from_json(handle, found[1], found[0])
    if not hmac.compare_digest(interaction.browser_hash, services.browser.hash):
        raise JourneyError("interaction_foreign", status=403)
    return interaction


def told(services: Services, interaction: Interaction) -> dict[str, Any]:
    """How the newest request of this login stands. number: once it was scanned; left: seconds until it expires."""
    keys = [key for key in interaction.method_state if key.partition(":")[0] == QrCode.id]
    seen = [requests.state(services, interaction, key) for key in keys]
    newest = max(seen, key=lambda each: each.left, default=None)
    if newest is None:
        return {"state": State.EXPIRED.value, "number": None, "left": 0}
    return {"state": newest.state.value, "number": newest.number, "left": int(newest.left.total_seconds())}


def changes(look: Callable[[], dict[str, Any]], wait: Wait) -> Iterator[bytes]:
    """Events: what stands at first, and each change, up to what ends it, or until it has lasted long enough."""
    yield f"retry: {RECONNECT_MS}\n".encode()
    known: tuple[Any, ...] | None = None
    for turn in range(LOOKS):
        if turn:
            wait(LOOK_EVERY_S)
        try:
            found = look()
        except Unavailable:  # the page asks anew, and is told by an answer of its own
            return
        stands = (found["state"], found["number"])
        if stands != known:
            known = stands
            yield f"data: {json.dumps(found)}\n\n".encode()
        elif turn % SAY_EVERY == 0:
            yield b":\n\n"
        if found["state"] in OVER:
            return
