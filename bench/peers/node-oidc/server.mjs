// oidc-provider with one confidential first-party client and 50 users.
import cluster from 'node:cluster';
import http from 'node:http';
import { generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { Redis } from 'ioredis';
import { Provider } from 'oidc-provider';

const { BENCH_PORT: PORT, BENCH_WORKERS: WORKERS = '1', BENCH_REDIS_PORT: REDIS_PORT } = process.env;
const alg = process.env.BENCH_VARIANT === 'redis-es256' ? 'ES256' : 'RS256';

function newKeys() {
  const pairs = [
    ['rsa', { modulusLength: 2048 }],
    ['ec', { namedCurve: 'P-256' }],
  ];
  return pairs.map(([type, how], i) => ({
    ...generateKeyPairSync(type, how).privateKey.export({ format: 'jwk' }),
    use: 'sig',
    kid: `k${i}`,
  }));
}

function redisAdapter() {
  const redis = new Redis(Number(REDIS_PORT), '127.0.0.1', { enableAutoPipelining: true });
  // One hash per object: p = JSON payload, c = time of consumption.
  return class {
    constructor(model) { this.model = model; }
    key(id) { return `oidc:${this.model}:${id}`; }
    async upsert(id, payload, ttl) {
      const key = this.key(id);
      const tx = redis.multi().hset(key, 'p', JSON.stringify(payload));
      if (ttl) tx.expire(key, ttl);
      if (payload.uid) tx.set(`oidc:uid:${payload.uid}`, id, 'EX', ttl || 86400);
      if (payload.grantId && this.model !== 'Session') {
        tx.sadd(`oidc:grant:${payload.grantId}`, key);
        tx.expire(`oidc:grant:${payload.grantId}`, 15 * 86400);
      }
      await tx.exec();
    }
    async find(id) {
      const [p, c] = await redis.hmget(this.key(id), 'p', 'c');
      if (!p) return undefined;
      return c ? { ...JSON.parse(p), consumed: Number(c) } : JSON.parse(p);
    }
    async findByUid(uid) { return this.find(await redis.get(`oidc:uid:${uid}`)); }
    async findByUserCode() { return undefined; }
    async consume(id) { await redis.hset(this.key(id), 'c', Math.floor(Date.now() / 1000)); }
    async destroy(id) { await redis.del(this.key(id)); }
    async revokeByGrantId(grantId) {
      const set = `oidc:grant:${grantId}`;
      await redis.del(set, ...await redis.smembers(set));
    }
  };
}

const password = Buffer.from('correct-horse-battery');
function passwordIsRight(given) {
  const tried = Buffer.from(given);
  return tried.length === password.length && timingSafeEqual(tried, password);
}

const claims = { openid: ['sub'], profile: ['name', 'given_name', 'family_name', 'preferred_username'], email: ['email', 'email_verified'] };
const scope = 'openid profile email offline_access';

async function serve(keys) {
  const provider = new Provider(`http://127.0.0.1:${PORT}`, {
    adapter: redisAdapter(),
    jwks: { keys },
    cookies: { keys: ['bench-cookie-key-1'] },
    clients: [{
      client_id: 'bench',
      client_secret: 'bench-secret-bench-secret-bench-secret',
      redirect_uris: ['http://127.0.0.1:9999/cb'],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      id_token_signed_response_alg: alg,
    }],
    claims,
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, IdToken: 3600, Interaction: 600, Grant: 1209600, RefreshToken: 1209600, Session: 1209600, ClientCredentials: 600 },
    async findAccount(ctx, id) {
      const [given, family] = ['Bench', id];
      return {
        accountId: id,
        claims: () => ({
          sub: id, name: `${given} ${family}`, given_name: given, family_name: family,
          preferred_username: id, email: `${id}@example.org`, email_verified: true,
        }),
      };
    },
    async loadExistingGrant(ctx) {
      const { session, client, provider: op } = ctx.oidc;
      const known = session.grantIdFor(client.clientId);
      if (known) return op.Grant.find(known);
      const grant = new op.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(scope);
      await grant.save();
      return grant;
    },
  });

  const oidc = provider.callback();
  const page = (uid, error = '') => `<!doctype html><title>Sign in</title>${error}
<form method="post" action="/interaction/${uid}">
<input name="login" autocomplete="username"><input name="password" type="password">
<button type="submit">Sign in</button></form>`;

  http.createServer(async (req, res) => {
    if (!req.url.startsWith('/interaction/')) return oidc(req, res);
    try {
      const { uid } = await provider.interactionDetails(req, res);
      if (req.method === 'POST') {
        let body = '';
        for await (const chunk of req) body += chunk;
        const form = new URLSearchParams(body);
        const login = form.get('login') ?? '';
        if (/^user\d\d\d$/.test(login) && passwordIsRight(form.get('password') ?? '')) {
          return await provider.interactionFinished(req, res, { login: { accountId: login, amr: ['pwd'] } });
        }
        res.writeHead(401, { 'content-type': 'text/html' });
        return res.end(page(uid, 'Wrong.'));
      }
      res.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' });
      return res.end(page(uid));
    } catch (error) {
      res.writeHead(error.statusCode ?? 500);
      return res.end(String(error));
    }
  }).listen(Number(PORT), '127.0.0.1');
}

if (Number(WORKERS) > 1 && cluster.isPrimary) {
  const keys = JSON.stringify(newKeys());
  for (let i = 0; i < Number(WORKERS); i += 1) cluster.fork({ KEYS: keys });
  process.on('SIGTERM', () => process.exit(0));
} else {
  await serve(process.env.KEYS ? JSON.parse(process.env.KEYS) : newKeys());
}
