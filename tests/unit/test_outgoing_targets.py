"""Where the provider's own requests may go."""

import threading
from ipaddress import ip_address, ip_network

import pytest

from idp.outgoing import Unreachable
from idp.outgoing.targets import Target, is_permitted, parse, resolved

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:5db8:d822::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "fd00:ec2::254",
]
PUBLIC = [
    "93.184.216.34",
    "100.63.255.255",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:93.184.216.34",
    "64:ff9b::93.184.216.34",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_permitted(ip_address(address), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    assert is_permitted(ip_address(address), ())


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::7"])
def test_a_network_of_the_list_is_permitted(address: str) -> None:
    assert is_permitted(ip_address(address), (ip_network("10.1.0.0/16"), ip_network("fd12::/16")))


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.1", "::1", "::ffff:10.2.0.1", "fd13::1"])
def test_the_list_permits_nothing_beside(address: str) -> None:
    assert not is_permitted(ip_address(address), (ip_network("10.1.0.0/16"), ip_network("fd12::/16")))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://rp.example/jwks?x=1", Target(True, "rp.example", 443)),
        ("HTTPS://RP.Example:8443", Target(True, "rp.example", 8443)),
        ("http://127.0.0.1:8000/", Target(False, "127.0.0.1", 8000)),
        ("https://[2606:4700::1111]/", Target(True, "2606:4700::1111", 443)),
    ],
)
def test_a_target_is_read(url: str, target: Target) -> None:
    assert parse(url) == target


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://rp.example/", "ftp://rp.example/", "//rp.example/", ""]
)
def test_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        parse(url)
    assert refused.value.reason == "scheme"


@pytest.mark.parametrize(
    "url",
    [
        "https://anne@rp.example/",
        "https://anne:secret@rp.example/",
        "https://@rp.example/",
        "https://rp.example\\@127.0.0.1/",
        "https://rp.example/a b",
        "https://rp.example/\r\nHost: x",
        "https://rp\t.example/",
        "https://rp.exämple/",
        "https:///jwks",
        "https://rp.example./",
        "https://rp..example/",
        "https://-rp.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/",
        "https://rp.example:x/",
        "https://rp.example:65536/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://rp.example%00.other/",
    ],
)
def test_another_form_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        parse(url)
    assert refused.value.reason == "url"
    assert "rp" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1"])
def test_every_way_to_write_an_address_is_that_address(host: str) -> None:
    """Whoever resolves it must not read it otherwise."""
    assert resolved(lambda _: pytest.fail("asked"), host, 1) == (ip_address("127.0.0.1"),)


def test_a_name_that_does_not_resolve() -> None:
    def unknown(host: str) -> list[str]:
        raise OSError(f"{host}: unknown")

    for resolve in (unknown, lambda _: [], lambda _: ["rubbish"]):
        with pytest.raises(Unreachable, match=r"^rp\.example: the name does not resolve") as refused:
            resolved(resolve, "rp.example", 5)
        assert refused.value.reason == "dns"


def test_a_resolver_that_does_not_answer_is_left_behind() -> None:
    end = threading.Event()
    with pytest.raises(Unreachable) as refused:
        resolved(lambda _: [str(end.wait(5))], "rp.example", 0.01)
    end.set()
    assert refused.value.reason == "too_slow"
