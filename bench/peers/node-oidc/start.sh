#!/usr/bin/env bash
# BENCH_VARIANT: redis (RS256) or redis-es256. The server lies beside its packages, so that imports find them.
set -eu
cp server.mjs "$BENCH_SCRATCH/node-oidc/server.mjs"
export NODE_ENV=production
exec node "$BENCH_SCRATCH/node-oidc/server.mjs"
