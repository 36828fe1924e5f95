"""The floor: Flask + redis-py + PyJWT doing a provider's necessary work, plainly.

A reference for how fast a Flask provider could be. It is NOT a provider: one
client, no consent, no error pages, no audit, no key rotation, no reuse alarm.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import flask
import jwt
import redis
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

ISSUER, ALG = os.environ["ISSUER"], os.environ["ALG"].upper()
CLIENT, SECRET, CALLBACK = "bench", "bench-secret-bench-secret-bench-secret", "http://127.0.0.1:9999/cb"
PASSWORD = "correct-horse-battery"
USERS = {
    f"user{n:03d}": {
        "sub": f"user{n:03d}",
        "name": f"Bench user{n:03d}",
        "given_name": "Bench",
        "family_name": f"user{n:03d}",
        "email": f"user{n:03d}@example.org",
    }
    for n in range(50)
}
db = redis.Redis(port=int(os.environ["BENCH_REDIS_PORT"]))
app = flask.Flask(__name__)
answer = app.response_class


def signing_key():
    """One key for all workers: the first to store it wins."""
    fresh = rsa.generate_private_key(65537, 2048) if ALG == "RS256" else ec.generate_private_key(ec.SECP256R1())
    pem = fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    db.set(f"floor:key:{ALG}", pem, nx=True)
    return load_pem_private_key(db.get(f"floor:key:{ALG}"), None)


KEY = signing_key()
PUBLIC = jwt.get_algorithm_by_name(ALG).to_jwk(KEY.public_key(), as_dict=True)
JWKS = json.dumps({"keys": [{**PUBLIC, "kid": "k1", "use": "sig", "alg": ALG}]}).encode()
META = json.dumps(
    {
        "issuer": ISSUER,
        "jwks_uri": ISSUER + "/jwks",
        "response_types_supported": ["code"],
        **{f"{n}_endpoint": f"{ISSUER}/{n}" for n in ("authorization", "token", "userinfo", "introspection")},
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALG],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email"],
        "authorization_response_iss_parameter_supported": True,
    }
).encode()
PAGE = app.jinja_env.from_string("""<!doctype html><title>Sign in</title><form method="post" action="/login">
<input type="hidden" name="csrf" value="{{ csrf }}"><input type="hidden" name="next" value="{{ next }}">
<input name="username"><input type="password" name="password"><button>Sign in</button></form>""")


def b64(raw):
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def reply(value, status=200):
    return answer(json.dumps(value), status, {"Cache-Control": "no-store"}, "application/json")


def key(kind, token):
    return f"floor:{kind}:" + hashlib.sha256(token.encode()).hexdigest()


@app.get("/.well-known/openid-configuration")
def discovery():
    return answer(META, mimetype="application/json")


@app.get("/jwks")
def jwks():
    return answer(JWKS, mimetype="application/json")


@app.get("/authorization")
def authorize():
    q = flask.request.args
    if q["client_id"] != CLIENT or q["redirect_uri"] != CALLBACK:
        flask.abort(400)
    if q["response_type"] != "code" or q["code_challenge_method"] != "S256":
        return flask.redirect(CALLBACK + "?error=invalid_request")
    session = None
    if cookie := flask.request.cookies.get("sid"):
        session = db.get(key("session", cookie))
    if not session:
        csrf = secrets.token_urlsafe(32)
        page = answer(flask.render_template(PAGE, csrf=csrf, next=flask.request.full_path))
        page.set_cookie("csrf", csrf, httponly=True, samesite="Lax")
        return page
    session, code = json.loads(session), secrets.token_urlsafe(32)
    db.set(
        key("code", code),
        json.dumps({**session, "scope": q["scope"], "nonce": q.get("nonce"), "challenge": q["code_challenge"]}),
        ex=60,
    )
    return flask.redirect(CALLBACK + "?" + urlencode({"code": code, "state": q["state"], "iss": ISSUER}), 303)


@app.post("/login")
def login():
    f = flask.request.form
    if not hmac.compare_digest(f["csrf"], flask.request.cookies.get("csrf", "")):
        flask.abort(400)
    if f["username"] not in USERS or not hmac.compare_digest(f["password"], PASSWORD):
        flask.abort(401)
    sid = secrets.token_urlsafe(32)
    db.set(key("session", sid), json.dumps({"sub": f["username"], "auth_time": int(time.time())}), ex=86400)
    response = flask.redirect(f["next"], 303)
    response.set_cookie("sid", sid, httponly=True, samesite="Lax")
    return response


def client_is_right():
    a = flask.request.authorization
    return a and a.username == CLIENT and hmac.compare_digest(a.password, SECRET)


@app.post("/token")
def token():
    if not client_is_right():
        return reply({"error": "invalid_client"}, 401)
    f, now, access = flask.request.form, int(time.time()), secrets.token_urlsafe(32)
    kind = f["grant_type"]
    if kind == "client_credentials":
        db.set(key("access", access), json.dumps({"client_id": CLIENT, "exp": now + 600}), ex=600)
        return reply({"access_token": access, "token_type": "Bearer", "expires_in": 600})
    grant = db.getdel(key("code", f["code"]) if kind == "authorization_code" else key("refresh", f["refresh_token"]))
    if not grant:
        return reply({"error": "invalid_grant"}, 400)
    grant = json.loads(grant)
    if kind == "authorization_code":
        proof = b64(hashlib.sha256(f["code_verifier"].encode()).digest())
        if not hmac.compare_digest(proof, grant.pop("challenge")):
            return reply({"error": "invalid_grant"}, 400)
    nonce, fresh = grant.pop("nonce", None), secrets.token_urlsafe(32)
    with db.pipeline(transaction=False) as p:
        p.set(key("access", access), json.dumps({**grant, "client_id": CLIENT, "exp": now + 3600}), ex=3600)
        p.set(key("refresh", fresh), json.dumps(grant), ex=1209600)
        p.execute()
    claims = {
        "iss": ISSUER,
        "sub": grant["sub"],
        "aud": CLIENT,
        "iat": now,
        "exp": now + 3600,
        "auth_time": grant["auth_time"],
        "at_hash": b64(hashlib.sha256(access.encode()).digest()[:16]),
    }
    if nonce:
        claims["nonce"] = nonce
    return reply(
        {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": fresh,
            "scope": grant["scope"],
            "id_token": jwt.encode(claims, KEY, ALG, {"kid": "k1"}),
        }
    )


@app.get("/userinfo")
def userinfo():
    scheme, _, access = flask.request.headers.get("Authorization", "").partition(" ")
    grant = db.get(key("access", access)) if scheme == "Bearer" else None
    return reply(USERS[json.loads(grant)["sub"]]) if grant else reply({"error": "invalid_token"}, 401)


@app.post("/introspection")
def introspection():
    if not client_is_right():
        return reply({"error": "invalid_client"}, 401)
    grant = db.get(key("access", flask.request.form["token"]))
    return reply({"active": True, **json.loads(grant)} if grant else {"active": False})
