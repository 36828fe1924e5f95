"""Linking a card or a federation to the account that proved itself by two factors: the answer to the page that asks."""

from contextlib import suppress
from dataclasses import replace

import flask

from idp.errors import InvalidOperation, JourneyError
from idp.flows import answer, links, temporary, visits
from idp.flows.services import Services
from idp.flows.visits import Visit


def confirm(services: Services, visit: Visit) -> flask.Response:
    """The person pressed « Relier »: link, and go on with the login. Raises JourneyError for what support decides."""
    unlinked, purpose = visit.interaction.unlinked, visit.interaction.purpose
    if unlinked is None or visit.account is None or visit.session is None:
        raise JourneyError("interaction_gone", status=410, detail="nothing to link")
    temporary.refuse_change(services, visit.session)
    account_id, client_id = visit.account.account_id, visit.client.client_id
    refused, cookie = links.TAKEN, None
    with suppress(InvalidOperation), services.db.write() as tx:  # another account was given the identity just before
        tx.accounts.lock(account_id)
        if not tx.sessions.touch(visit.session.session_id, services.now()):
            raise JourneyError("interaction_gone", status=410, detail="the session ended meanwhile")
        refused = links.link(services, tx, account_id, unlinked) or ""
        if not refused:
            _, cookie = answer.keep_proof(
                services,
                tx,
                visit.session,
                unlinked.proof,
                account=visit.account,
                client_id=client_id,
                upstream=visit.interaction.upstream_of(unlinked.proof.method),
                practice=visit.interaction.practice_of(unlinked.proof),
            )
            _settle(services, visit, purpose is not None)
    if refused:
        links.refuse(services, refused, account_id, unlinked.proof)
        _settle(services, visit, is_over=True)
        raise JourneyError("link_names_differ" if refused == links.NAMES_DIFFER else "link_refused", status=403)
    response = answer.see_other(purpose.page if purpose else f"/login/{visit.interaction.id}")
    if cookie:
        services.browser.set(response, "session", cookie)
    return response


def shown(services: Services, visit: Visit) -> str:
    """What the page's form brings back: both identities that it shows, in this Interaction."""
    unlinked, account_id = visit.interaction.unlinked, visit.account.account_id if visit.account else ""
    proof = unlinked.proof if unlinked else None
    parts = (proof.method, proof.identity.kind, proof.identity.value) if proof else ()
    return services.data_keys.mac("link", visit.interaction.id, account_id, *parts)


def decline(services: Services, visit: Visit) -> flask.Response:
    """Nothing is linked; the login goes on with what was proven of the account."""
    purpose = visit.interaction.purpose
    if purpose:
        visits.take(services, visit.interaction)
        return answer.see_other(purpose.page)
    visits.save(services, replace(visit.interaction, unlinked=None))
    return answer.see_other(f"/login/{visit.interaction.id}")


def _settle(services: Services, visit: Visit, is_over: bool) -> None:
    """Once: another request of the same Interaction finds nothing to link."""
    interaction = visit.interaction
    if is_over:
        visits.take(services, interaction)
    elif interaction.unlinked:
        fresh = (*interaction.fresh, interaction.unlinked.proof)
        visits.save(services, replace(interaction, unlinked=None, fresh=fresh))
