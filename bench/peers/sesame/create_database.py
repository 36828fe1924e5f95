"""An empty database for one provider; its owner may do everything in it."""

import os

import psycopg
from psycopg import sql

address = f"postgresql://postgres@127.0.0.1:{os.environ['BENCH_POSTGRESQL_PORT']}/postgres"
with psycopg.connect(address, autocommit=True) as connection:
    name = sql.Identifier(f"bench_{os.environ['BENCH_PORT']}")
    connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
