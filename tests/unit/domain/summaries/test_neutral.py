"""A model's answer carries no link: whatever it writes, no autolinker and no markup finds one."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS
from markdown_it import MarkdownIt

from ticketing.domain.summaries.neutral import neutral

LINKIFY = LinkifyIt(options={"fuzzy_ip": True}).tlds(TLDS)
"""An autolinker of bare names too, with every top-level domain."""
MARKDOWN = MarkdownIt("commonmark", {"html": True})
SCHEMES = [
    *("http", "https", "ftp", "mailto", "tel", "javascript", "vbscript", "data", "file", "slack"),
    *("ms-word", "zoommtg", "vscode", "app", "x-apple", "ssh", "git+ssh", "intent"),
]
CLICKED = re.compile(r"(?<![\w:])[a-z][a-z0-9+.-]+:(?![\s:)]|\d+(?:[\s)]|\Z))[^\s)]", re.IGNORECASE)
"""What an operating system would open by its scheme."""
JIRA = re.compile(r"\[[^\]]+\]|\{[^}]+\}|![^\s!]+!|\^\S|(?<!\w)~\w")
SLACK = re.compile(r"<[^>]+>|&lt;|`|(?<!\w)[*_~][^\s*_~]")


class Elements(HTMLParser):
    """The elements of a text as HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def acts(text: str) -> list[str]:
    """What is live in a text, for any of the readers that show it."""
    links = [link.url for link in LINKIFY.match(text) or []]
    tokens = [child for block in MARKDOWN.parse(text) for child in block.children or []]
    marked = [token.type for token in tokens if token.type in ("link_open", "image", "html_inline")]
    clicked, jira = CLICKED.findall(text), JIRA.findall(text)
    return [*links, *marked, *clicked, *jira, *Elements(text).found, *re.findall("[<>]", text)]


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=6)
HOSTS = st.one_of(
    st.builds("{}.{}".format, LABELS, st.sampled_from(sorted(TLDS))),
    st.builds(
        "{}.{}.{}".format,
        LABELS,
        LABELS,
        st.sampled_from(["com", "zip", "xn--p1ai", "\u0440\u0444"]),
    ),
    st.builds("b\u00fccher.{}".format, st.sampled_from(["example", "de", "com"])),
    st.sampled_from(
        [
            "1.2.3.4",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "localhost",
            "a\u3002com",
            "\uff45vil.\uff43om",
        ]
    ),
)
PATHS = st.sampled_from(["", "/", "/x?q=1#f", ":8080/x", "/a_b*c", "/%2e%2e", ":80@evil.com/"])
SLASHES = st.sampled_from(
    ["//", "/", "///", "/\\", "\\\\", "\\/", "/ /", "//\t", "", "&sol;&#47;", "\uff0f\uff0f"]
)
COLONS = st.sampled_from([":", "\uff1a", "&colon;", "&#58;", ":\u200b", " :"])
ADDRESSES = st.one_of(
    st.builds("{}{}{}{}{}".format, st.sampled_from(SCHEMES), COLONS, SLASHES, HOSTS, PATHS),
    st.builds("{}{}".format, HOSTS, PATHS),
    st.builds("//{}{}".format, HOSTS, PATHS),
    st.builds("bob@{}".format, HOSTS),
    st.builds("javascript{}alert(1)".format, COLONS),
)
DUST = st.sampled_from(
    ["__", "**", "\u200b", "\u00ad", "\u202e", "<b>", "&shy;", "~", "`", "!", "[]()", "\\", "{}"]
)
WRAPS = st.sampled_from(
    [
        "{}",
        "<{}>",
        "<{}|click>",
        "[x]({})",
        "[x|{}]",
        "![x]({})",
        "[[x]({})]({})",
        "<a href='{}'>x</a>",
        "!{}!",
        "[~{}]",
        "{{{}}}",
        "see {} now",
        "({})",
        "`{}`",
        "&lt;{}&gt;",
        "[{}]",
        "#{}",
        "<!{}>",
        '"{}":{}',
    ]
)


@st.composite
def hostile(draw: st.DrawFn) -> str:
    """Addresses of a grammar, with dust within that markup or rendering takes away, in markup."""
    address = draw(ADDRESSES)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(address)))
        address = address[:at] + draw(DUST) + address[at:]
    wrap = draw(WRAPS)
    return wrap.replace("{}", address.replace("{", "").replace("}", "")) if "{}" in wrap else wrap


@settings(max_examples=400, deadline=None)
@given(st.lists(hostile(), min_size=1, max_size=3).map(" ".join))
@example("http:/\\1.2.3.4/x")
@example("ht__tp://evil.example/x")
@example("java**script:alert(1)")
@example("h\u200bttp:evil.com")
@example("[a](b)ht[c](d)tp://evil.com")
@example("&amp;lt;https&amp;colon;//evil.com&amp;gt;")
def test_no_address_is_live_however_it_is_written(text: str) -> None:
    shown = neutral(text, 2_000)
    assert not acts(shown), shown
    assert neutral(shown, 2_000) == shown


@pytest.mark.parametrize(
    "host",
    ["evil.zip", "evil.com", "1.2.3.4", "b\u00fccher.example", "\u043f\u0440\u0438.\u0440\u0444"],
)
def test_the_oracle_finds_what_is_live(host: str) -> None:
    assert acts(f"https://{host}/x")
    assert acts(f"[x](https://{host})")


@pytest.mark.parametrize(
    "text",
    [
        "checkout: 41% of requests fail since 12:30, p99 is 2.3 s",
        "db:5432 refuses; std::vector and a/b/c stay",
        "read config.yaml, app.log and settings.json of v1.2.3",
        "PaymentService failed",
    ],
)
def test_words_of_operations_stay(text: str) -> None:
    assert neutral(text, 500) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/x?q=1 now", "see (link removed) now"),
        ("HTTPS://EVIL.EXAMPLE", "(link removed)"),
        ("//evil.example/x", "(link removed)"),
        ("www.evil.example/x", "(link removed)"),
        ("javascript:alert(1)", "(link removed)"),
        ("mailto:a@b.example", "(link removed)"),
        ("[click here](https://evil.example)", "click here"),
        ("![img](https://evil.example/a.png?leak=1)", "img"),
        (
            "com.zaxxer.hikari.pool.HikariPool.getConnection: timeout",
            "com/zaxxer/hikari/pool/HikariPool/getConnection: timeout",
        ),
        ("sign in at login.evil.Example", "sign in at login/evil/Example"),
        ("go to evil.com/login", "go to evil(dot)com/login"),
        ("ask bob@evil.com", "ask bob(at)evil(dot)com"),
        ("<!channel> wake up", "wake up"),
        ("<@U12345> and @here", "and (at)here"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>", ""),
        ("a < b and c > d", "a \u2039 b and c \u203a d"),
        ("**bold** and `code`", "bold and 'code'"),
        ("{html}x{html} [~admin]", "(html)x(html) (-admin)"),
        ("!image.png!", "image.png!"),
        ("one\ntwo\r\nStatus: resolved", "one two Status: resolved"),
        ("a\x00b\x1bc\u202ed\u200be", "a bcde"),
        ("\uff1cscript\uff1e", ""),
        (
            "java.lang.NullPointerException in order_id",
            "java.lang.NullPointerException in order_id",
        ),
        ("payments.svc.cluster.local is down!", "payments.svc.cluster.local is down!"),
    ],
)
def test_nothing_in_it_acts(text: str, shown: str) -> None:
    assert neutral(text, 500) == shown


@given(st.text(max_size=400))
def test_no_text_keeps_markup_or_control_characters(text: str) -> None:
    shown = neutral(text, 200)
    assert len(shown) <= 200
    assert not set(shown) & set("<>[]{}`|@\\~")
    assert "://" not in shown
    assert all(c.isprintable() for c in shown)
