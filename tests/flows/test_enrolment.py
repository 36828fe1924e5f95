"""A proof is worth no more than the proof that enrolled its credential, alone, first or second."""

from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import insert

from idp.domain.authn import Assurance, Proof
from idp.domain.ids import new_id
from idp.methods.base import Context, Done, Method, Needs, Offer, Show, Step
from idp.methods.registry import Registry
from idp.store.schema import credential
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty


class SecurityKey(Method):
    """Proves whoever is asked for, by the credential that the test enrolled."""

    id = "security_key"
    contract_version = 1
    amr = frozenset({"hwk"})
    assurance = Assurance.SUBSTANTIAL
    needs = Needs(credential="key")
    can_be_first = True
    per_browser = False
    offer = Offer(label="Clé", hint="Une clé de test", icon="key")

    def __init__(self, credential_id: str) -> None:
        self._credential_id = credential_id

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        del ctx
        return Show("methods/email_otp/identify.html")

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        who = ctx.find(form.get("login", "anne.pierre"))
        made = Proof(
            self.id, who.identity, self.assurance, ("hwk",), ctx.now, "key", credentials=(self._credential_id,)
        )
        return Done(made)


def with_key(start: Callable[..., Provider], enrolled: Assurance) -> Provider:
    plain, credential_id = start(), new_id()
    account = plain.add_account("anne.pierre")
    with plain.services.db.write() as tx:
        tx._connection.execute(
            insert(credential).values(
                credential_id=credential_id,
                account_id=account.account_id,
                kind="key",
                digest="",
                anchor="key",
                enrolled_assurance=enrolled.name,
                created_at=plain.clock.now(),
            )
        )
    methods = {**plain.services.registry, "security_key": SecurityKey(credential_id)}
    return plain.with_services(registry=Registry(list(methods.values())))


def proven(provider: Provider, entry: str) -> Assurance:
    """Sign in at a service that accepts this entry; what the session then holds."""
    provider.add_client("rp", methods=(entry,))
    rp = RelyingParty(provider)
    path = rp.open_login()
    method = entry.partition(":")[0]
    page = f"{path}/{method}"
    rp.post(page, page=path)
    if entry == "security_key:after=password":
        rp.post(page, page=page, login="anne.pierre", password=PASSWORD)
        rp.post(page, page=page, login="anne.pierre")
    elif entry == "security_key":
        rp.post(page, page=page, login="anne.pierre")
    else:
        rp.post(page, page=page, login="anne.pierre")
        rp.post(page, page=page, code=provider.last_code())
    (event,) = provider.events("login.succeeded")
    return Assurance[event.detail["assurance"]]


@pytest.mark.parametrize("enrolled", list(Assurance))
@pytest.mark.parametrize(
    ("entry", "most"),
    [
        ("security_key", {level: min(level, Assurance.SUBSTANTIAL) for level in Assurance}),
        ("security_key:after=password", {level: min(level, Assurance.SUBSTANTIAL) for level in Assurance}),
        (
            "email_otp:after=security_key",  # two factors give MEDIUM at least, and the first no more than its own
            {level: max(Assurance.MEDIUM, min(level, Assurance.SUBSTANTIAL)) for level in Assurance},
        ),
    ],
    ids=["alone", "second", "first"],
)
def test_method_and_enrolment(
    start: Callable[..., Provider], entry: str, most: Mapping[Assurance, Assurance], enrolled: Assurance
) -> None:
    assert proven(with_key(start, enrolled), entry) == most[enrolled]
