"""processors.protocols.addresses: only listed hosts, only public addresses, however written."""

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import addresses
from processors.protocols.addresses import ForbiddenUrlError, Target

LISTED = ("files.example.com", "*.amazonaws.com", "192.0.2.7", "peer.example:8188", "[::1]:9000")


def refusal(url: str, *, hosts: tuple[str, ...] = LISTED, allow_private: bool = False) -> str:
    """Why `url` is refused."""
    with pytest.raises(ForbiddenUrlError) as caught:
        addresses.check_url(url, hosts=hosts, allow_private=allow_private)
    return caught.value.reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://files.example.com", Target("https", "files.example.com", 443, "/")),
        ("HTTP://FILES.example.COM/a", Target("http", "files.example.com", 80, "/a")),
        ("https://files.example.com:443/a", Target("https", "files.example.com", 443, "/a")),
        ("http://peer.example:8188/view?x=1", Target("http", "peer.example", 8188, "/view?x=1")),
        (
            "https://b_1.s3.eu-1.amazonaws.com/o%20k?X-Sig=a%2Fb'c#part",
            Target("https", "b_1.s3.eu-1.amazonaws.com", 443, "/o%20k?X-Sig=a%2Fb'c"),
        ),
        ("https://files.example.com/é", Target("https", "files.example.com", 443, "/%C3%A9")),
        ("https://files.example.com?q", Target("https", "files.example.com", 443, "/?q")),
    ],
)
def test_a_listed_host_is_taken_apart(url: str, expected: Target) -> None:
    """Case, default ports and a fragment are put right; the query is kept byte for byte."""
    assert addresses.check_url(url, hosts=LISTED, allow_private=False) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme"),
        ("files.example.com/a", "scheme"),
        ("//files.example.com/a", "scheme"),
        ("ftp://files.example.com/a", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("data:text/html,x", "scheme"),
        ("https:///a", "host"),
        ("https:files.example.com", "host"),
        ("https://:443/a", "host"),
        ("https://other.example.com/a", "host"),
        ("https://amazonaws.com/a", "host"),
        ("https://evilamazonaws.com/a", "host"),
        ("https://files.example.com.evil.example/a", "host"),
        ("https://files.example.com./a", "host"),
        ("https://.files.example.com/a", "host"),
        ("https://files..example.com/a", "host"),
        ("https://-.amazonaws.com/a", "host"),
        (f"https://{'a' * 64}.amazonaws.com/a", "host"),
        (f"https://{'a.' * 130}amazonaws.com/a", "host"),
        ("https://files%2eexample.com/a", "host"),
        ("https://files.example.com%00.amazonaws.com/a", "host"),
        ("https://::1/a", "host"),
        ("https://files.example.com:8443/a", "port"),
        ("http://peer.example/a", "port"),
        ("https://files.example.com:0/a", "port"),
        ("https://files.example.com:/a", "port"),
        ("https://files.example.com:65536/a", "port"),
        ("https://files.example.com:" + "9" * 5000, "port"),
        ("https://files.example.com:٤٤٣/a", "port"),
        ("https://files.example.com:+443/a", "port"),
        ("https://user@files.example.com/a", "userinfo"),
        ("https://user:pass@files.example.com/a", "userinfo"),
        ("https://files.example.com@127.0.0.1/a", "userinfo"),
        ("https://127.0.0.1\\@files.example.com/a", "syntax"),
        ("https://files.example.com\\.evil.example/a", "syntax"),
        ("https://files.example.com /a", "syntax"),
        (" https://files.example.com/a", "syntax"),
        ("https://files.exa\tmple.com/a", "syntax"),
        ("https://files.example.com/a\r\nHost: evil", "syntax"),
        ("https://files.example.com/\x00", "syntax"),
        ("https://files.example.com/\u2028", "syntax"),
        ("https://files.example.com/\ud800", "syntax"),
        ("https://files.example.com℀.evil.example/a", "syntax"),
        ("https://files.example.com/" + "a" * 9000, "syntax"),
    ],
)
def test_anything_else_is_refused_by_name(url: str, reason: str) -> None:
    """Each trick has its reason, and none gets through."""
    assert refusal(url) == reason


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1]evil.amazonaws.com/a",
        "https://evil[::1].amazonaws.com/a",
        "https://[::ffff:7f00:1%25eth0]/a",
        "https://[1:2]/a",
        "https://[::1/a",
        "https://::1]/a",
        "https://[v1.a]/a",
        "https://[]/a",
        "https://[:::]/a",
    ],
)
def test_brackets_hold_an_ipv6_address_and_nothing_else(url: str) -> None:
    """Which of the two reasons depends on how much the standard library refuses itself."""
    assert refusal(url) in {"host", "syntax"}


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.0x1",
        "0x",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.0.0.1",
        "127.0.0.1.",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",
        "a.\uff10x\uff17f",
    ],
)
def test_case_52_disguised_addresses_are_no_hosts(host: str) -> None:
    """Even listed, and even with private ones allowed, an odd form is not an address."""
    assert refusal(f"http://{host}/a", hosts=(host, "*"), allow_private=True) == "host"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
    ],
)
def test_case_52_private_addresses_need_leave(host: str) -> None:
    """A listed address that is not public is taken only where private ones are allowed."""
    url = f"http://{host}/a"

    assert refusal(url, hosts=("files.example.com",), allow_private=True) == "host"
    assert refusal(url, hosts=(host,)) == "private_address"
    assert addresses.check_url(url, hosts=(host,), allow_private=True).address is not None


def test_a_public_address_must_be_listed_exactly() -> None:
    """A bare address stands only for itself, in any of its correct spellings."""
    url = "http://[2606:4700:0:0::1]/a"

    target = addresses.check_url(url, hosts=("2606:4700::1",), allow_private=False)

    assert target.host == "2606:4700::1"
    assert refusal(url, hosts=("2606:4700::2", "*.1")) == "host"
    assert refusal("http://93.184.1.1/a", hosts=("*.1", "*.1.1", "*.184.1.1")) == "host"


S3 = ("*.s3.amazonaws.com", "*.s3.*.amazonaws.com")


@pytest.mark.parametrize(
    "host", ["b.s3.amazonaws.com", "a.b.s3.amazonaws.com", "b.s3.us-east-2.amazonaws.com"]
)
def test_a_star_between_dots_is_one_part(host: str) -> None:
    """A bucket is listed in whichever region it lies."""
    addresses.check_entry(S3[1])

    assert addresses.check_url(f"https://{host}/x", hosts=S3, allow_private=False).host == host


@pytest.mark.parametrize(
    "host",
    [
        "s3.amazonaws.com",
        "s3.us-east-2.amazonaws.com",
        "b.s3.us-east-2.x.amazonaws.com",
        "ec2-8-8-8-8.us-east-2.compute.amazonaws.com",
        "mine-1.us-east-2.elb.amazonaws.com",
        "b.s3.us-east-2.amazonaws.com.evil.example",
    ],
)
def test_no_other_host_of_amazons_is_a_bucket(host: str) -> None:
    """Machines and balancers that any customer can name are not listed with S3's buckets."""
    with pytest.raises(ForbiddenUrlError):
        addresses.check_url(f"https://{host}/x", hosts=S3, allow_private=False)


@pytest.mark.parametrize("entry", ["*", "*.*.com", "a.*", "a*.b.com", "a.*b.com", ""])
def test_a_star_anywhere_else_is_no_entry(entry: str) -> None:
    """It would stand for more than somebody meant, or for nothing."""
    with pytest.raises(ForbiddenUrlError):
        addresses.check_entry(entry)


def test_an_entry_with_a_star_may_have_a_port() -> None:
    """And then stands for that port alone, and never for an address."""
    hosts = ("media.*.example.com:8443", "8.8.*.8")
    addresses.check_entry("8.8.8.8")
    named = addresses.check_url(
        "https://media.eu.Example.com:8443", hosts=hosts, allow_private=False
    )

    assert named.authority == "media.eu.example.com:8443"
    for url in ("https://media.eu.example.com/", "https://8.8.8.8/"):
        with pytest.raises(ForbiddenUrlError):
            addresses.check_url(url, hosts=hosts, allow_private=False)


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("nas.lan", True), ("a.home.arpa", True), ("a.plan", False)],
)
def test_names_of_the_own_network_are_known(host: str, *, local: bool) -> None:
    """They mean somebody else, or nobody, everywhere else."""
    assert addresses.is_local_name(host) is local


@pytest.mark.parametrize("entry", ["", "*", "*.", "a b", "user@files.example.com", "[::1"])
def test_a_malformed_entry_lets_nobody_in(entry: str) -> None:
    """A slip in the list closes a door and opens none."""
    assert refusal("https://files.example.com/", hosts=(entry,)) == "host"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://files.example.com/", "files.example.com"),
        ("http://peer.example:8188/", "peer.example:8188"),
        ("http://[::1]:9000/", "[::1]:9000"),
    ],
)
def test_the_authority_is_what_the_host_header_says(url: str, authority: str) -> None:
    """Brackets for IPv6, a port when it is not the scheme's own."""
    assert addresses.check_url(url, hosts=LISTED, allow_private=True).authority == authority


def test_a_name_beyond_ascii_goes_by_its_idna_form() -> None:
    """The list may hold either form; a label that folds into ASCII is a disguise."""
    for entry in ("bücher.example", "xn--bcher-kva.example"):
        target = addresses.check_url("https://BÜCHER.example/", hosts=(entry,), allow_private=False)
        assert target.host == "xn--bcher-kva.example"
    for disguise in ("\uff46iles.example.com", "faß.example", "é" * 300, "é" * 60 + ".example"):
        assert refusal(f"https://{disguise}/", hosts=("*.example", "*.com")) == "host"


def test_no_error_holds_path_query_or_password() -> None:
    """Whatever is refused, its text can be logged."""
    for url in (
        "https://other.example/SECRET?sig=SECRET",
        "https://SECRET:SECRET@files.example.com/",
        "https://files.example.com:SECRET/",
        "https://SECRET℀.example/",
    ):
        with pytest.raises(ForbiddenUrlError) as caught:
            addresses.check_url(url, hosts=LISTED, allow_private=False)
        assert "SECRET" not in str(caught.value)
    target = addresses.check_url(
        "https://files.example.com/SECRET", hosts=LISTED, allow_private=False
    )
    assert "SECRET" not in repr(target)


@given(st.text() | st.text("htps:/[]@.%0123456789abcxf#?\\", max_size=40).map("http://".__add__))
def test_arbitrary_text_is_taken_or_refused(url: str) -> None:
    """Nothing but our own error comes out, and a target only for listed hosts."""
    try:
        target = addresses.check_url(url, hosts=("*.ab", "a"), allow_private=False)
    except ForbiddenUrlError:
        return
    assert target.host == "a" or target.host.endswith(".ab")
    assert target.path_and_query.isascii()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:169.254.169.254",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "64:ff9b:1:ffff::808:808",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "::ffff:8.8.8.8%1",
    ],
)
def test_what_is_not_the_internet_is_not_public(address: str) -> None:
    """Every special range is closed, and every way to hide an IPv4 address in an IPv6 one."""
    assert not addresses.is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_what_is_the_internet_is_public(address: str) -> None:
    """Neighbours of the special ranges stay open; an embedded address is judged for itself."""
    assert addresses.is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_as_public_as_its_inside(address: object) -> None:
    """Writing an IPv4 address as an IPv6 one changes nothing."""
    inner = ip_address(str(address))

    for prefix in ("::ffff:", "64:ff9b::"):
        assert addresses.is_public(IPv6Address(f"{prefix}{inner}")) == addresses.is_public(inner)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0", "0.0.0.0"),  # noqa: S104
        ("0x", "0.0.0.0"),  # noqa: S104
        ("8.8.8.8", "8.8.8.8"),
        ("1.2.65535", "1.2.255.255"),
    ],
)
def test_odd_forms_of_an_address_are_read_as_c_does(text: str, address: str) -> None:
    """Decimal, octal, hexadecimal and shortened forms all name the same machine."""
    assert str(addresses.loose_ipv4(text)) == address


@pytest.mark.parametrize(
    "text",
    ["", "a", "256.1", "4294967296", "1.16777216", "1.2.3.4.5", "08", "1..2", "1.2.3.256", "-1"],
)
def test_what_is_no_address_in_any_form(text: str) -> None:
    """A name, or a number out of range, is not an address."""
    assert addresses.loose_ipv4(text) is None


@pytest.mark.parametrize("authority", ["[1:2]", "[:::]", "[::1]]", "[::1]a", "[", "a:b:c", "a[b]"])
def test_an_authority_is_read_without_help(authority: str) -> None:
    """Nothing is left to what the standard library refuses before."""
    with pytest.raises(ForbiddenUrlError):
        addresses.split_authority(authority)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://a:1/view?x", "http://a:1"),
        ("http://a:1/b/view", "http://a:1/b"),
        ("http://a:1/bc/view", "http://a:1"),
        ("http://a:1", None),
        ("http://a:12/view", None),
        ("http://a:1@b/view", None),
        ("HTTP://a:1/view", None),
    ],
)
def test_a_url_lies_below_the_longest_base_that_it_begins_with(url: str, base: str | None) -> None:
    """A part of a name or of a path is none."""
    assert addresses.below(url, ("http://a:1", "http://a:1/b")) == base
