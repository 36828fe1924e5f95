// A web service with the openid-client of npm: code flow with PKCE, state, nonce, iss; refresh; RP-initiated logout.
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env
const home = `http://localhost:${PORT}/`
const config = await oidc.discovery(
  new URL(ISSUER), CLIENT_ID, { id_token_signed_response_alg: 'ES256' }, oidc.ClientSecretPost(CLIENT_SECRET),
  // By default it trusts TLS in place of the signature of an ID Token: here it checks the signature.
  { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] },
)
const sessions = new Map()

async function login(session) {
  Object.assign(session, { verifier: oidc.randomPKCECodeVerifier(), nonce: oidc.randomNonce(), state: oidc.randomState() })
  return oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${home}callback`, scope: 'openid profile email', state: session.state, nonce: session.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier), code_challenge_method: 'S256',
  })
}

async function callback(session, url) {
  const { verifier, nonce, state } = session
  const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true }
  await keep(session, await oidc.authorizationCodeGrant(config, url, checks))
  return home
}

async function refresh(session) {
  await keep(session, await oidc.refreshTokenGrant(config, session.tokens.refresh_token))
  return home
}

async function keep(session, tokens) {
  const claims = tokens.claims() // undefined when the answer brings no ID Token
  session.known = {
    claims: claims ?? session.known.claims,
    id_token: tokens.id_token ?? session.known.id_token,
    access_token: tokens.access_token,
    userinfo: await oidc.fetchUserInfo(config, tokens.access_token, (claims ?? session.known.claims).sub),
  }
  session.tokens = tokens
}

function logout(session) {
  session.leaving = oidc.randomState()
  const hint = session.known.id_token
  delete session.known
  return oidc.buildEndSessionUrl(config, { id_token_hint: hint, post_logout_redirect_uri: `${home}left`, state: session.leaving })
}

function left(session, url) {
  if (url.searchParams.get('state') !== session.leaving) throw new Error('the state of the logout is not ours')
  return home
}

const ways = { '/login': login, '/callback': callback, '/refresh': refresh, '/logout': logout, '/left': left }

http.createServer(async (request, response) => {
  const url = new URL(request.url, home)
  const id = /openid_client=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? randomUUID()
  if (!sessions.has(id)) sessions.set(id, {})
  const session = sessions.get(id)
  response.setHeader('Set-Cookie', `openid_client=${id}; Path=/; HttpOnly; SameSite=Lax`)
  try {
    if (url.pathname in ways) {
      response.writeHead(303, { Location: String(await ways[url.pathname](session, url)) }).end()
    } else {
      const known = JSON.stringify(session.known ?? { claims: null }).replaceAll('<', '\\u003c')
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(
        `<!doctype html><title>openid-client</title><link rel="icon" href="data:,"><a id="login" href="/login">login</a>
        <a id="refresh" href="/refresh">refresh</a> <a id="logout" href="/logout">logout</a><pre id="known">${known}</pre>`)
    }
  } catch (error) {
    console.error(error)
    response.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error))
  }
}).listen(Number(PORT), '127.0.0.1')
