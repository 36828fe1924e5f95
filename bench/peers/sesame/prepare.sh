#!/usr/bin/env bash
# A provider for one run: its database, settings, keys, one confidential client, people with passwords.
set -eu
bin=$(cd ../../../.venv/bin && pwd)
sesame() { "$bin/sesame" --settings "$BENCH_RUN/sesame.toml" --operator bench "$@"; }

"$bin/python" create_database.py
cat >"$BENCH_RUN/sesame.toml" <<END
issuer = "http://127.0.0.1:$BENCH_PORT"
port = $BENCH_PORT
workers = $BENCH_WORKERS
database_url = "postgresql+psycopg://postgres@127.0.0.1:$BENCH_POSTGRESQL_PORT/bench_$BENCH_PORT"
redis_url = "redis://127.0.0.1:$BENCH_REDIS_PORT/1"
keys_dir = "keys.d"
secret_file = "secret"
END
sesame init
sesame client add bench --name Bench --redirect-uri http://127.0.0.1:9999/cb --id-token-alg ES256 --for-everybody \
  --scope openid --scope profile --scope email --token-lifetime 900 \
  --grant-type authorization_code --grant-type refresh_token --grant-type client_credentials \
  >"$BENCH_RUN/client_secret"
sesame policy set bench password
{
  echo login,email,given_name,family_name
  for number in $(seq -w 0 49); do echo "user0$number,user0$number@example.org,Bench,User"; done
} >"$BENCH_RUN/people.csv"
sesame account import "$BENCH_RUN/people.csv"
"$bin/python" set_passwords.py "$BENCH_RUN/sesame.toml" 50
