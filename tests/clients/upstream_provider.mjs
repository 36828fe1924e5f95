// An OpenID provider that knows nothing of ours: oidc-provider of npm, with one client and whoever types a name.
import { generateKeyPairSync } from 'node:crypto'
import http from 'node:http'
import { Provider } from 'oidc-provider'

const { PORT, CLIENT_ID, CLIENT_SECRET, CLIENT_ISSUER, METHOD, PERSON } = process.env
const issuer = `http://localhost:${PORT}`
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const scope = 'openid profile rpps'
const page = (title, content) => `<!doctype html><html lang="en"><title>${title}</title>
<link rel="icon" href="data:,"><h1>${title}</h1>${content}`

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...key, use: 'sig', kid: 'upstream' }] },
  cookies: { keys: ['of-this-test'] },
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    redirect_uris: [`${CLIENT_ISSUER}/login/callback/${METHOD}`],
    post_logout_redirect_uris: [`${CLIENT_ISSUER}/logged-out`],
    backchannel_logout_uri: `${CLIENT_ISSUER}/upstream/${METHOD}/backchannel-logout`,
    backchannel_logout_session_required: true,
    id_token_signed_response_alg: 'ES256',
  }],
  claims: { openid: ['sub'], profile: ['given_name', 'family_name'], rpps: ['national_id', 'how'] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      logoutSource: async (ctx, form) => {
        ctx.body = page('Sign out', `${form}<button id="upstream-logout" form="op.logoutForm" name="logout" value="yes">Yes</button>`)
      },
      postLogoutSuccessSource: async (ctx) => { ctx.body = page('Signed out', '') },
    },
  },
  pkce: { required: () => true },
  // Its own way of fetching refuses loopback, where this test is.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...JSON.parse(PERSON) }) }),
  async loadExistingGrant(ctx) {
    const { session, client, provider: op } = ctx.oidc
    const known = session.grantIdFor(client.clientId)
    if (known) return op.Grant.find(known)
    const grant = new op.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope(scope)
    await grant.save()
    return grant
  },
})
for (const event of ['backchannel.error', 'server_error', 'grant.error', 'authorization.error', 'end_session.error']) {
  provider.on(event, (ctx, error) => console.error(event, error))
}
const answer = provider.callback()

http.createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response)
  try {
    const { uid } = await provider.interactionDetails(request, response)
    if (request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += chunk
      const accountId = new URLSearchParams(body).get('name')
      return await provider.interactionFinished(request, response, { login: { accountId } })
    }
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page('Who are you?',
      `<form method="post" action="/interaction/${uid}"><label>Name <input name="name"></label><button id="upstream-login">Sign in</button></form>`))
  } catch (error) {
    console.error(error)
    response.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error))
  }
}).listen(Number(PORT), '127.0.0.1')
