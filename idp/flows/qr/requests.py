"""Requests to approve a login on a phone, in the ephemeral store: each step is one atomic command of it.

What keeps them is nobody's but these functions': the computer sees its request by its login, the phone by a token, by
a short code, or by the id of what it scanned.
"""

import io
from dataclasses import replace

import flask

from idp.domain import phone_request as domain
from idp.domain.ids import digest
from idp.domain.interaction import Interaction
from idp.domain.phone_request import Approval, PhoneRequest, RequestRefused, State
from idp.errors import JourneyError, Unavailable
from idp.flows.services import Services
from idp.methods.phones import Opened, Seen
from idp.methods.qr_code import QrCode

KIND, CODE_TAKEN, CODE = "qr_request", "qr_code_drawn", "qr_code"
KEPT = domain.LIFETIME + domain.GRACE
REQUEST = "request"  # where the method keeps its id in its state


def _draw_code(services: Services) -> str:
    """One that no other request has."""
    for _ in range(5):
        code = domain.new_code()
        if services.ephemeral.once(CODE_TAKEN, code, KEPT):
            return code
    raise Unavailable("no short code is free")


def find(services: Services, request_id: str) -> PhoneRequest:
    """For the phone. Raises RequestRefused: "expired" for what is gone, if it ever was; "suspended"."""
    if services.configuration.suspensions().end(services.now(), QrCode.id):
        raise RequestRefused("suspended")
    found = services.ephemeral.get_versioned(KIND, request_id)
    if found is None:
        raise RequestRefused("expired")
    return PhoneRequest.from_json(request_id, found[1], found[0])


def find_by_token(services: Services, token: str) -> PhoneRequest:
    """What a phone scanned. Raises RequestRefused: "foreign", "expired"."""
    request_id, drawn_for = domain.read_token(token, services.data_keys.mac)
    request = find(services, request_id)
    domain.require_window(request, drawn_for, services.now())
    return request


def find_by_code(services: Services, typed: str) -> PhoneRequest:
    """What a person typed on the phone. Raises RequestRefused: "foreign", counted against the network; "expired"."""
    services.network.slow_down()
    code = domain.clean_code(typed)
    found = services.ephemeral.get(CODE, code) if code else None
    if found is None:
        services.network.note_failure()
        raise RequestRefused("foreign")
    return find(services, found["id"])


def scan(services: Services, request: PhoneRequest) -> PhoneRequest:
    """Bind it to the browser of the current request. Raises RequestRefused, for the second of two phones too."""
    scanned = request.scanned(services.browser.hash, services.now())
    return request if scanned is request else _swap(services, scanned)


def answer(services: Services, request: PhoneRequest, challenge: str, typed: str) -> PhoneRequest:
    """The phone's answer, with the number that was typed: the challenge is spent, a wrong number counted.

    Raises RequestRefused.
    """
    return _swap(services, request.answered(services.browser.hash, challenge, typed, services.now()))


def approve(services: Services, request: PhoneRequest, by: Approval) -> PhoneRequest:
    """Once. Raises RequestRefused."""
    return _swap(services, request.approved(services.browser.hash, by, services.now()))


def refuse(services: Services, request: PhoneRequest) -> PhoneRequest:
    """Once. Raises RequestRefused."""
    return _swap(services, request.refused(services.browser.hash, services.now()))


def _swap(services: Services, changed: PhoneRequest) -> PhoneRequest:
    """Raises RequestRefused("busy") if another request was first."""
    if not services.ephemeral.swap(KIND, changed.id, changed.version, changed.to_json(), changed.kept_until):
        raise RequestRefused("busy")
    return replace(changed, version=changed.version + 1)


def of_login(services: Services, interaction: Interaction, state_key: str) -> PhoneRequest | None:
    """The request of a login in progress, None if there is none or it is gone.

    state_key: of the method in this Interaction, as `idp.flows.running.Runner.state_key` has it.
    """
    return _own(services, interaction.id, interaction.method_state.get(state_key, {}).get(REQUEST, ""))


def _own(services: Services, handle: str, request_id: str) -> PhoneRequest | None:
    found = services.ephemeral.get_versioned(KIND, request_id) if request_id else None
    request = PhoneRequest.from_json(request_id, found[1], found[0]) if found else None
    return request if request and request.interaction == digest(handle) else None


def state(services: Services, interaction: Interaction, state_key: str) -> Seen:
    """What the computer's page may know of its request; changes nothing."""
    return _seen(services, of_login(services, interaction, state_key))


def _seen(services: Services, request: PhoneRequest | None) -> Seen:
    if request is None:
        return Seen(State.EXPIRED)
    now = services.now()
    found = request.state_at(now)
    found = State.EXPIRED if found is State.TAKEN else found
    number = request.number if found is State.SCANNED else None
    return Seen(found, number, request.left(now))


def address(services: Services, request: PhoneRequest) -> str:
    """What the QR code of now leads to."""
    token = domain.token_of(request, services.now(), services.data_keys.mac)
    return f"{services.settings.issuer}/qr/{token}"


def drawn(services: Services, request: PhoneRequest) -> bytes:
    """The QR code of now: an SVG image."""
    import segno  # noqa: PLC0415 - seldom needed

    image = io.BytesIO()
    code = segno.make_qr(address(services, request), error="m")
    code.save(image, kind="svg", scale=6, border=4, light="#fff", svgclass=None, lineclass=None)
    return image.getvalue()


class StoredPhones:
    """The requests of one login, for the method. account_id: whose first factor it has."""

    def __init__(
        self, services: Services, *, handle: str, client_id: str, service: str, account_id: str | None
    ) -> None:
        self._services, self._handle = services, handle
        self._client_id, self._service, self._account_id = client_id, service, account_id
        self.address = services.settings.issuer.partition("://")[2] + "/qr"

    def open(self, *, same_network: bool) -> Opened:
        services = self._services
        request = PhoneRequest(
            id=domain.new_request_id(),
            interaction=digest(self._handle),
            client_id=self._client_id,
            service=self._service,
            user_agent=flask.request.user_agent.string[:200],
            network=services.network.prefix,
            place=services.network.place,
            same_network=same_network,
            opened_at=services.now(),
            account_id=self._account_id,
        )
        code = _draw_code(services)
        services.ephemeral.put(KIND, request.id, request.to_json(), KEPT)
        services.ephemeral.put(CODE, code, {"id": request.id}, domain.LIFETIME)
        return Opened(request.id, code)

    def look(self, request_id: str) -> Seen:
        return _seen(self._services, _own(self._services, self._handle, request_id))

    def take(self, request_id: str) -> Approval | None:
        request = _own(self._services, self._handle, request_id)
        by = request.approval if request else None
        if request is not None and request.state in (State.APPROVED, State.TAKEN):
            self._spend(request)
        return by

    def _spend(self, request: PhoneRequest) -> None:
        """Of two at once the second stops here, before it could say anything else of this login."""
        try:
            _swap(self._services, request.taken())
        except RequestRefused as refusal:
            raise JourneyError("interaction_busy", status=409, detail="this approval was taken") from refusal

    def drop(self, request_id: str) -> None:
        if _own(self._services, self._handle, request_id):
            self._services.ephemeral.take(KIND, request_id)
