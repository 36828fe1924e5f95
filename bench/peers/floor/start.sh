#!/usr/bin/env bash
# BENCH_VARIANT: es256-granian or rs256-granian.
set -eu
export ALG=${BENCH_VARIANT%%-*} ISSUER="http://127.0.0.1:$BENCH_PORT"
exec "$BENCH_SCRATCH/floor/bin/granian" --interface wsgi --host 127.0.0.1 --port "$BENCH_PORT" \
  --workers "$BENCH_WORKERS" --no-access-log app:app
