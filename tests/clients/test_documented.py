"""docs/clients.md tells what these tests run."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCS = (HERE.parents[1] / "docs/clients.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "setting"),
    [
        ("apache.conf", r"^OIDC\w+"),
        ("django_service.py", r"\bOIDC_\w+"),
        ("openid_client.mjs", r"\boidc\.(?!random|allowInsecure|calculate|fetch)\w+"),
        ("browser_page/page.js", r"\bpeople\.(?!getUser)\w+"),
        ("authlib_service.py", r"\bclient\.(?!userinfo|parse_id_token)\w+"),
    ],
)
def test_each_setting_is_explained(file: str, setting: str) -> None:
    used = set(re.findall(setting, (HERE / file).read_text(encoding="utf-8"), re.MULTILINE))
    assert used
    assert {name for name in used if name not in DOCS} == set()
