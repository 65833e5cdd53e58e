"""Patterns: what differs by values only has one, what says something else has another."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.domain.patterns.pattern import PATTERN_CHARS_MAX, Patterns, Rule
from ticketing.domain.patterns.word import MASK

SAME = [
    # numbers, units, sizes, durations
    ("retry 3 of 5 after 250 ms", "retry 1 of 10 after 2 s"),
    ("took 12ms", "took 3.4s"),
    ("wrote 5.2 KB to disk", "wrote 384.0 B to disk"),
    ("wrote 3.4GB", "wrote 12MB"),
    ("load average is 0.75", "load average is 1e-5"),
    ("heap at 97% of limit", "heap at 8.5% of limit"),
    ("offset -17 is out of range", "offset 99182 is out of range"),
    ("charged $12.50 twice", "charged $1,204.00 twice"),
    ("read 1,234,567 rows", "read 12 rows"),
    ("address 0x1F is not mapped", "address 0xdeadbeef is not mapped"),
    ("thread blocked for 2 minutes", "thread blocked for 1 minute"),
    ("sent 934 bytes (934 B)", "sent 0 bytes"),
    ("lifetime <1 sec", "lifetime 00:41"),
    ("exit code 137", "exit code 1"),
    # ids
    (
        "order 4d2a46c7-71cb-4cf1-b5bb-b68406d9da6f lost",
        "order 00000000-0000-0000-0000-00000000000a lost",
    ),
    ("commit f9df3ffa0bdaa7e8d40f6e159cbbe94f6001d44c is bad", "commit 6001d44c is bad"),
    ("chunk seg_-7730155 is corrupt", "chunk seg_20441 is corrupt"),
    (
        "lease_99_0020_01 exited",
        "lease_1700000000_0001_7 exited",
    ),
    ("import_20240102_0001 failed", "import_20251130_0412 failed"),
    ("req-9aafc1 rejected", "req-1b2c3d rejected"),
    ("ticket ABC-123 was not found", "ticket XY-9 was not found"),
    ("object com.acme.Foo@1a2b3c leaked", "object com.acme.Foo@77ff01 leaked"),
    ("object Foo@deadbeef leaked", "object Foo@1 leaked"),
    ("digest deadbeefcafe differs", "digest 0123456789ab differs"),
    (
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x1 is expired",
        "token eyJ0eXAiOiJKV1Qi.eyJ1.y2 is expired",
    ),
    # addresses, hosts, mails, URLs
    ("connect to 10.0.0.1:5432 refused", "connect to 192.168.17.4:5433 refused"),
    ("peer fe80::1ff:fe23:4567:890a left", "peer 2001:db8::1 left"),
    ("uplink moved to 02:00:5e:10:00:01", "uplink moved to 02:00:5e:ab:cd:ef"),
    ("cannot resolve db.prod.example.com", "cannot resolve cache.example.org"),
    ("lookup of node-7.eu.corp.example.com failed", "lookup of api.example.com failed"),
    ("from 10.0.0.1 (host-a.example.com) again", "from 10.0.0.2 () again"),
    ("mail to jane.doe@example.com bounced", "mail to bob@corp.example.org bounced"),
    ("GET https://api.example.com/v1/x?a=1&b=2 failed", "GET http://10.0.0.1:8080/ failed"),
    ("jdbc:postgresql://db:5432/a is down", "jdbc:postgresql://db-2/b?ssl=true is down"),
    ("hosts 10.0.0.1, 10.0.0.2 unreachable", "hosts 10.0.0.1 unreachable"),
    (
        "copying to shard(s) 10.0.0.1:9301 10.0.0.2:9301",
        "copying to shard(s) 10.0.0.3:9301",
    ),
    # paths and files
    ("cannot open /var/log/app.log", "cannot open /etc/passwd"),
    ("cannot lock C:\\Users\\Public\\a.txt", "cannot lock D:\\data\\b.bin"),
    ("rule: /var/www/html/ forbidden", "rule: /srv/ forbidden"),
    ("loaded retry-rules2.properties", "loaded shop-prices.xml"),
    ("./run.sh crashed", "../bin/start.sh crashed"),
    # time
    ("at 2023-01-29T08:50:08.964574Z it broke", "at 2024-12-01 17:00:01,123 it broke"),
    ("since Wed Feb 7 11:20:41 2024 no data", "since Mon Jan 3 23:00:01 2022 no data"),
    ("DueDate:Thu Aug 15 16:50:09 CST 2024 bad", "DueDate:Mon Sep 2 01:05:09 UTC 2024 bad"),
    ("Mar  3 01:02:03 edge-a smtpd[411]: bad packet", "Oct 30 00:00:01 web smtpd[2]: bad packet"),
    ("[10/Oct/2000:13:55:36 -0700] rotated", "[01/Jan/2024:00:00:00 +0000] rotated"),
    (
        "2023-01-29 08:50:08 [main] ERROR disk is full",
        "2023-02-01 00:00:00 [main] ERROR disk is full",
    ),
    ("2023-01-01 08:00:00 UTC flush ended", "2023-01-01T09:00:00+02:00 flush ended"),
    # quotes and keys
    ('file "a b.txt" is missing', 'file "c.txt" is missing'),
    ("user 'alice' is locked", "user 'bob smith' is locked"),
    ("no field `id`", "no field `name`"),
    ("login failed user=alice ip=10.0.0.1", "login failed user=bob ip=10.0.0.2"),
    ("actor= origin=10.0.0.1 denied", "actor=bob origin=host denied"),
    ('slot=1, label="Night Run", by=null', 'slot=77, label="*rush*", by=Crew{10113}'),
    ("cache ready = true", "cache ready = false"),
    ('level=error msg="db-1 is down" id=4', 'level=error msg="db-22 is down" id=71'),
    ("state: [1, 2, 3] is wrong", "state: [1, 2] is wrong"),
    ("ids=[] gone", "ids=[4, 5, 6] gone"),
    ("names: [anna, bert] clash", "names: [anna, bert, carl] clash"),
    ("userId: alice, orderId: 5 rejected", "userId: bob, orderId: 6 rejected"),
    ("Order(id=5, item=Item(name=x, n=1)) failed", "Order(id=6, item=Item(name=y z, n=2)) failed"),
    ('{"user":"a","n":1,"ok":true,"tags":["x"]}', '{"user":"b c","n":22,"ok":false,"tags":[]}'),
    ('got {"items":[{"id":1},{"id":2}]}', 'got {"items":[{"id":7}]}'),
    ("got {'user': 'a', 'n': 1}", "got {'user': None, 'n': 2}"),
    # people
    (
        "Failed password for root from 10.0.0.1 port 22 ssh2",
        "Failed password for bob from 10.0.0.9 port 4711 ssh2",
    ),
    (
        "Failed password for invalid user admin from 1.2.3.4",
        "Failed password for invalid user x from 1.2.3.5",
    ),
    ("console granted for user root by (uid=0)", "console granted for user mia by (uid=7)"),
    (
        "Too many authentication failures for root [preauth]",
        "Too many authentication failures for admin [preauth]",
    ),
    # machines
    ("pod checkout-7d9f8b6c5-xkqwz restarted", "pod checkout-5b67c48447-mv5hb restarted"),
    ("pod agent-xkqwz evicted", "pod agent-j4txs evicted"),
    ("[http-nio-8080-exec-12] pool exhausted", "[http-nio-8080-exec-3] pool exhausted"),
    ("[pool-3-thread-1] interrupted", "[pool-12-thread-40] interrupted"),
    ("Baking step 0.0 of plan 0.0 (run 0)", "Baking step 39.0 of plan 27.1 (run 1421)"),
    ("Loaded Codec v3.2.9.1044", "Loaded Codec v10.0.1"),
    ("image nginx:1.25.3 pull failed", "image nginx:1.9 pull failed"),
    (
        "rack: FAN3: blade speed above limit",
        "rack: FAN11: blade speed above limit",
    ),
    ("lane = 0x0 gate = 11 shut = 0", "lane = 0x1 gate = 12 shut = 1"),
    (
        '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326',
        '10.0.0.2 - frank [11/Oct/2000:13:55:36 -0700] "GET /b/c HTTP/1.1" 304 -',
    ),
    ("[call-77aa01c2 90bb1234 12ff34ab - - -] lease lost", "[call-9 - - - - -] lease lost"),
    ("spare=<disk:0, slots:-4>", "spare=<disk:1024, slots:3>"),
    ('volume "left" : secret "left-key" fell', 'volume "a b" : secret "c" fell'),
    ('vacuum of "shop.public.carts": pages: 5', 'vacuum of "bank.public.dues": pages: 17'),
    ("page <ab12.9@example.com> refused", "page <12ab.7@node-3.example.com> refused"),
    ("route [2001:db8::1]:443 left", "route 2001:db8::17 left"),
    ("position 0/3000148 is behind", "position FC/3AB00148 is behind"),
    ("rate = 12.5 MB/s is low", "rate = 900 bytes/sec is low"),
    ("no item QmFzZTY0IGlzIDE2IQ==: gone", "no item QWJjZDEyMzQ1Njc4OTA5: gone"),
    ("SHA256:c2VjcmV0LWtleS1u dropped", "SHA256:MTIzNDU2Nzg5MGFiY2Q= dropped"),
    ("queue arn:aws:sqs:eu-west-1:12:a is full", "queue arn:aws:sqs:us-east-2:7:b is full"),
    ("wire eth2 is cut", "wire eth0 is cut"),
    ("timeout   after\n\t5 s", "timeout after 7 s"),
    ("Über-Knoten 5 wärmt 3 °C", "Über-Knoten 17 wärmt 45 °C"),
]

DIFFERENT = [
    ("error: timeout", "error: refused"),
    ("connection reset by peer", "connection refused by peer"),
    ("disk full on node 5", "disk failed on node 5"),
    ("order 5 created", "order 5 cancelled"),
    ("lock acquired", "lock released"),
    ("user unknown", "user locked"),
    ("user not found", "user not allowed"),
    ("Failed password for root from 1.2.3.4", "Accepted password for root from 1.2.3.4"),
    ("Failed password for root from 1.2.3.4", "Failed password for invalid user root from 1.2.3.4"),
    ("console granted for user root", "console revoked for user root"),
    ('level=error msg="disk full"', 'level=error msg="disk broken"'),
    ("level=error id=4", "level=warn id=4"),
    ("error=timeout id=4", "error=refused id=4"),
    ("user=bob", "host=bob"),
    ('{"message":"disk full","n":1}', '{"message":"no route","n":1}'),
    ('{"user":"a"}', '{"host":"a"}'),
    ('{"a":1}', '{"a":1,"b":2}'),
    (
        'rpc error: code = Unavailable desc = "x is down"',
        'rpc error: code = NotFound desc = "x is down"',
    ),
    (
        'rpc error: code = Unavailable desc = "refused"',
        'rpc error: code = Unavailable desc = "no route"',
    ),
    ('"GET /a HTTP/1.1" 200', '"POST /a HTTP/1.1" 200'),
    ("GET /a failed", "PUT /a failed"),
    ("Moved from IDLE to BUSY", "Moved from BUSY to GONE"),
    ("Guest Woke (Power Notice)", "Guest Slept (Power Notice)"),
    ("Guest 5 Woke (Power Notice)", "Guest 5 Slept (Power Notice)"),
    ("ipv4 is disabled", "ipv6 is disabled"),
    ("sha256 mismatch", "md5 mismatch"),
    ("s3 is slow", "ec2 is slow"),
    ("http2 stream closed", "http3 stream closed"),
    ("utf8 expected", "utf16 expected"),
    ("ORA-00942 at parse", "ORA-01017 at parse"),
    ("java.lang.NullPointerException", "java.lang.IllegalStateException"),
    ("com.acme.OrderService is down", "com.acme.UserService is down"),
    ("OrderService.create failed", "OrderService.cancel failed"),
    ("getHttp2Client failed", "closeHttp2Client failed"),
    ("zx2_open() failed", "zx2_close() failed"),
    ("Radio_Nova43xx::wakeUp", "Radio_Nova43xx::goQuiet"),
    ("read/write error", "read/only error"),
    ('{"a": 1, "b": 2}', '{"a": 1, "c": 2}'),
    ("application/json rejected", "application/xml rejected"),
    ("checkout-service is down", "payment-service is down"),
    ("process exited", "process crashed"),
    ("cannot allocate memory", "cannot fork"),
    ("certificate expired", "certificate revoked"),
    ("permission denied: /a", "no such file or directory: /a"),
    ("cache miss for key: abc1", "cache hit for key: abc1"),
    ("replica set has no primary", "replica set has no secondary"),
    ("Table 'a' doesn't exist", "Table 'a' already exists"),
    ("deadlock found when trying to get lock", "lock wait timeout exceeded"),
    ("max connections reached (5)", "max threads reached (5)"),
    ("leader elected: 3", "leader lost: 3"),
    ("5 items added", "5 items removed"),
    ("[INFO] started", "[WARN] started"),
    ("host: short of memory: ending process 5", "host: short of memory: nothing to end 5"),
    ("file not found: a.txt", "file not readable: a.txt"),
    ("host: unreachable", "host: refused"),
    ("Piece stream_0 kept as rows", "Piece stream_0 kept as bytes"),
    ("worker 3 joined", "worker 3 left"),
    ("can't open it", "can't close it"),
    ("exhausted", "exhausted by 5"),
    ("Reading file 5", "Decoding 5"),
    ("March is over", "Marching is over"),
    ("Mark 12 as read", "Decline 12 as read"),
    ("queue empty", "queue full"),
]

patterns = Patterns()


@pytest.mark.parametrize(("left", "right"), SAME)
def test_values_do_not_split_a_pattern(left: str, right: str) -> None:
    assert patterns.of(left) == patterns.of(right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_messages_keep_different_patterns(left: str, right: str) -> None:
    assert patterns.of(left) != patterns.of(right)


def test_all_kinds_of_messages_stay_apart() -> None:
    kinds = {patterns.of(left): left for left, _ in SAME}
    assert len(kinds) == len(SAME), sorted(kinds)


def test_case_is_kept_and_white_space_collapsed() -> None:
    assert patterns.of("  Disk\t FULL \n on  node  ") == "Disk FULL on node"


def test_keys_stay_and_values_go() -> None:
    assert patterns.of('x {"user":"a","n":[1,2]} y=z') == f'x {{"user":{MASK},"n":{MASK}}} y={MASK}'


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", "empty text"),
        (" \n", "empty text"),
        ("----- ----", "no words: -"),
        ("5", "values only: number"),
        ("-17.5 ms", "values only: number word"),
        ("10.0.0.1", "values only: address"),
        ("7c9e6679-7425-40de-944b-e07fc1f90ae7", "values only: uuid"),
        ("r24=0x1f3a", "values only: id=id"),
        ("2024-01-02 10:00:00", "values only: time"),
        ("/var/log/app.log", "values only: path"),
    ],
)
def test_a_text_of_values_alone_is_known_by_their_kinds(text: str, pattern: str) -> None:
    assert patterns.of(text) == pattern


def test_a_text_of_own_placeholders_alone_is_known_by_their_names() -> None:
    own = Patterns([Rule(name="order", pattern=r"ord-\w+", replace="<order>")])
    assert own.of("ord-17 5") == "values only: order number"


def test_where_a_long_text_was_cut_never_shows() -> None:
    tail = " and then some more words follow" * 100
    assert patterns.of("id 5 failed" + tail) == patterns.of(f"id {'1' * 900} failed" + tail)


def test_only_the_first_part_of_a_text_counts() -> None:
    words = "word " * 1000
    assert patterns.of(words + "one") == patterns.of(words + "two")
    assert len(patterns.of(words)) <= PATTERN_CHARS_MAX


def test_own_rules_come_first_and_change_the_version() -> None:
    own = Patterns([Rule(name="colour", pattern=r"\b(red|green)\b", replace="<colour>")])
    assert own.of("red light 5") == own.of("green light 6") == f"<colour> light {MASK}"
    assert own.version != patterns.version
    assert (
        own.version
        == Patterns([Rule(name="x", pattern=r"\b(red|green)\b", replace="<colour>")]).version
    )
    assert own.version != Patterns([Rule(name="colour", pattern=r"\b(red|green)\b")]).version


@pytest.mark.parametrize(
    "rule", [Rule(name="broken", pattern="("), Rule(name="broken", pattern="a", replace="\\9")]
)
def test_a_broken_rule_is_named(rule: Rule) -> None:
    with pytest.raises(ValueError, match="broken"):
        Patterns([rule])


@given(
    st.integers(),
    st.ip_addresses().filter(lambda address: str(address) != "::"),
    st.uuids(),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_number_address_or_uuid_is_masked(number, address, uuid, real) -> None:
    for value in (number, address, uuid, real):
        assert patterns.of(f"worker said {value} and left") == f"worker said {MASK} and left"
        assert patterns.of(f"worker said id={value}") == f"worker said id={MASK}"
        assert patterns.of(json.dumps({"id": str(value)})) == f'{{"id":{MASK}}}'


@given(st.text(max_size=300))
def test_any_text_has_one_pattern_that_fits(text: str) -> None:
    assert patterns.of(text) == Patterns().of(text)
    assert 0 < len(patterns.of(text)) <= PATTERN_CHARS_MAX + 3 * 200


@settings(max_examples=60)
@given(
    st.text(alphabet="a=\"'/1.:@[]{}()<>\\,;| -\n\t$", min_size=1, max_size=12), st.integers(0, 3)
)
def test_repeated_odd_text_is_handled(piece: str, extra: int) -> None:
    assert patterns.of(piece * (2048 // len(piece) + extra))


@pytest.mark.parametrize(
    "piece",
    [
        "a=[",
        "=[",
        '"',
        "'",
        '\\"',
        "a:",
        "::a",
        "/",
        "x://",
        "Jan 1 ",
        "{a}",
        "(",
        "\n\tat a.b(c)",
        "\n at a",
        'File "',
        "1 ",
        "<*>",
    ],
)
def test_a_megabyte_of_one_piece_is_read_in_part_only(piece: str) -> None:
    assert len(patterns.of(piece * (1_000_000 // len(piece)))) <= PATTERN_CHARS_MAX + 3 * 200


def test_what_is_said_after_much_space_is_read() -> None:
    assert patterns.of(" " * 5000 + "disk full on node 7") == "disk full on node <*>"
