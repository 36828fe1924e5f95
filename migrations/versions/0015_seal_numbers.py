"""Numbers of seals begin at 1: below, the role of the application could keep an event out of the chain.

A row of before that does so stays, where `sesame audit verify` shows it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NAME = "ck_audit_seal_number_from_one"


def upgrade() -> None:
    number: sa.ColumnClause[int] = sa.column("number")
    below = sa.select(number).select_from(sa.table("audit_seal", number)).where(number < 1)
    is_kept = op.get_bind().execute(below.limit(1)).first() is not None
    _ignore_checks("ON")  # SQLite copies the rows
    with op.batch_alter_table("audit_seal") as batch:
        batch.create_check_constraint(op.f(NAME), "number > 0", postgresql_not_valid=is_kept)
    _ignore_checks("OFF")


def _ignore_checks(state: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA ignore_check_constraints = {state}")


def downgrade() -> None:
    with op.batch_alter_table("audit_seal") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
