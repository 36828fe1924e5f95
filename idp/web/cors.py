"""What a script of another origin may read (Fetch standard, §3.2)."""

import flask

# Endpoints that look at no cookie, by blueprint: an application without a server redeems its code there, reads its
# claims, and gives its tokens back. Discovery and keys are public anyway.
OPEN = frozenset({"token", "userinfo", "revoke"})


def open_to_scripts(response: flask.Response) -> flask.Response:
    """Any origin, and none with credentials: who asks must hold a code or a token, which no browser adds by itself."""
    if flask.request.blueprint not in OPEN:
        return response
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    if flask.request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, POST"
        headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        headers["Access-Control-Max-Age"] = "600"
    return response
