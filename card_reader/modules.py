"""Where the PKCS#11 module of the card is: that of the ANS (Cryptolib CPS), else OpenSC."""

import struct
import sys
from collections.abc import Callable
from pathlib import Path

from card_reader.card import CardError

# A module serves programs of its own word size only.
WINDOWS_ANS = (
    r"C:\Windows\System32\cps3_pkcs11_w64.dll"
    if struct.calcsize("P") == 8
    else r"C:\Windows\System32\cps3_pkcs11_w32.dll"
)

PLACES = {
    "win32": (
        WINDOWS_ANS,
        r"C:\Program Files\OpenSC Project\OpenSC\pkcs11\opensc-pkcs11.dll",
        r"C:\Windows\System32\opensc-pkcs11.dll",
    ),
    "darwin": (
        "/usr/local/lib/libcps3_pkcs11_osx.dylib",
        "/Library/OpenSC/lib/opensc-pkcs11.so",
        "/usr/local/lib/opensc-pkcs11.so",
        "/opt/homebrew/lib/opensc-pkcs11.so",
    ),
    "linux": (
        "/opt/santesocial/CPS/lib/libcps3_pkcs11_lux.so",
        "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib64/opensc-pkcs11.so",
        "/usr/lib64/pkcs11/opensc-pkcs11.so",
        "/usr/lib/opensc-pkcs11.so",
        "/usr/lib/pkcs11/opensc-pkcs11.so",
    ),
}


def find(
    given: Path | None = None, *, system: str = sys.platform, is_file: Callable[[Path], bool] = Path.is_file
) -> Path:
    """The module that was given, and no other; without one the first that is there.

    Raises CardError("no_module"), whose detail names each place where it looked.
    """
    places = [given.absolute()] if given else [Path(place) for place in PLACES.get(system, ())]
    for place in places:
        if is_file(place):
            return place
    tried = ", ".join(str(place) for place in places) or f"no place is known for {system}"
    raise CardError("no_module", f"no PKCS#11 module found; tried: {tried}")
