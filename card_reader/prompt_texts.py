"""What the person reads, in the window and in the terminal: French first, English for a page that says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from card_reader.card import Tries
from card_reader.prompt import Language, Question, printable


@dataclass(frozen=True, slots=True)
class Texts:
    title: str
    origin_asks: str
    service: str
    quoted: str
    number: str
    compare: str
    holder: str
    pin: str
    malformed: str
    confirm: str
    cancel: str
    warnings: Mapping[Tries, str]
    allow_title: str
    allow_question: str
    allow_advice: str
    allow: str
    refuse: str
    yes: str


FRENCH = Texts(
    title="Carte CPS",
    origin_asks="Ce site demande à vous identifier :",
    service="Service",
    quoted="« {} »",
    number="Numéro",
    compare="Vérifiez que la page affiche le même numéro ; sinon, annulez.",
    holder="Carte de",
    pin="Code porteur",
    malformed="Un code porteur est fait de 4 à 8 chiffres.",
    confirm="Valider",
    cancel="Annuler",
    warnings={
        "ok": "",
        "low": "Attention : 2 essais restants",
        "final": "Attention : dernier essai avant blocage de la carte",
    },
    allow_title="Autoriser un site",
    allow_question="Ce site demande à utiliser votre carte CPS :",
    allow_advice="N'acceptez que si vous reconnaissez cette adresse. Votre code porteur sera demandé à chaque fois.",
    allow="Autoriser",
    refuse="Refuser",
    yes="o",
)
ENGLISH = Texts(
    title="CPS card",
    origin_asks="This site asks to identify you:",
    service="Service",
    quoted="“{}”",
    number="Number",
    compare="Check that the page shows the same number; if not, cancel.",
    holder="Card of",
    pin="Card PIN",
    malformed="A PIN has 4 to 8 digits.",
    confirm="Confirm",
    cancel="Cancel",
    warnings={
        "ok": "",
        "low": "Caution: 2 tries left",
        "final": "Caution: last try before the card is blocked",
    },
    allow_title="Allow a site",
    allow_question="This site asks to use your CPS card:",
    allow_advice="Accept only if you recognise this address. You will be asked for your PIN each time.",
    allow="Allow",
    refuse="Refuse",
    yes="y",
)


def texts(language: Language) -> Texts:
    return ENGLISH if language == "en" else FRENCH


def lines(question: Question) -> tuple[str, ...]:
    """What stands under the origin, each only if it is known: the number, the service, the holder.

    The service is the page's own text: in quotation marks, and after the number, it passes for no line but its own.
    """
    own = texts(question.language)
    service = printable(question.service.translate(dict.fromkeys(map(ord, '«»“”"'))))
    values = {own.number: question.number, own.service: own.quoted.format(service) if service else ""}
    colon = ":" if own is ENGLISH else " :"
    told = (*values.items(), (own.holder, question.holder))
    return tuple(f"{label}{colon} {printable(value, 80)}" for label, value in told if printable(value))
