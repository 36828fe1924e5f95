"""Passwords for the people of a run. No operator chooses one, hence no command: it is written as a holder's choice."""

import sys
from pathlib import Path

from bench.peer import Peer
from idp.app import build_services
from idp.settings import load

services = build_services(load(Path(sys.argv[1])))
try:
    with services.db.write() as tx:
        for number in range(int(sys.argv[2])):
            account = tx.accounts.find_by_login(f"user{number:03d}")
            if account is None:
                raise SystemExit(f"user{number:03d}: not imported")
            tx.accounts.set_password(
                account.account_id, services.hasher.hash(Peer.password), "knowledge", services.clock.now()
            )
finally:
    services.db.close()
