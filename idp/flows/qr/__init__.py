"""Logins that a phone approves, and the small web application on it. Routes: `idp.flows.qr.routes`."""
