#!/usr/bin/env bash
set -eu
exec ../../../.venv/bin/sesame --settings "$BENCH_RUN/sesame.toml" serve
