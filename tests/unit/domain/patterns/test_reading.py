"""Titles say what happened: the exception and its message, what JSON says, never a bare prefix."""

from __future__ import annotations

import json

import pytest

from ticketing.domain.patterns.pattern import Patterns
from ticketing.domain.patterns.reading import TITLE_CHARS_MAX, read

PYTHON = """Traceback (most recent call last):
  File "/srv/shop/pay.py", line 41, in charge
    gw.post(o)
  File "/srv/shop/gw.py", line 9, in post
    raise GatewayTimeout("no answer in 30 s")
shop.errors.GatewayTimeout: no answer in 30 s"""
HANDLING = (
    PYTHON
    + """

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/web.py", line 3, in view
    charge(o)
shop.errors.PaymentFailed: order 17"""
)
JAVA = """2024-01-02 10:00:00 ERROR [main] c.s.Cart - add failed
java.lang.IllegalStateException: cart locked
\tat com.shop.Cart.add(Cart.java:11)
\tat com.shop.Api.post(Api.java:20)
Caused by: java.sql.SQLTimeoutException: no row
\tat com.shop.Db.lock(Db.java:5)
\t... 2 more
"""
SHARED = """com.shop.CartLocked: cart 5 is locked
\tat com.shop.Cart.add(Cart.java:11)
Caused by: com.shop.db.NoRow: row 7 is gone
\t... 12 common frames omitted"""
DOTNET = """Unhandled exception. System.InvalidOperationException: Failed
 ---> System.TimeoutException: No answer in 30 s
   at Acme.Dao.Save(Order order) in C:\\src\\Dao.cs:line 42
   --- End of inner exception stack trace ---
   at Acme.Service.Close(Int32 id) in C:\\src\\Service.cs:line 7"""
GO = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4bd2]

goroutine 1 [running]:
main.load(0x0)
\t/src/main.go:9 +0x2a
main.main()
\t/src/main.go:5 +0x1d
"""
NODE = """/app/src/web.js:10
    throw new TypeError('no cart');
    ^

TypeError: no cart
    at close (/app/src/orders.js:10:5)
    at /app/src/web.js:3:14 {
  [cause]: Error: connect ECONNREFUSED 10.0.0.1:5432
      at Socket.dial (/app/src/db.js:4:9)
}"""
RUBY = """app/models/cart.rb:12:in `add': cart 5 is locked (Cart::LockedError)
\tfrom app/controllers/carts.rb:5:in `create'
\tfrom /usr/lib/ruby/gems/3.2/gems/rack/lib/rack.rb:7:in `call'"""
RAILS = """NoMethodError (undefined method `total' for nil:NilClass):

app/models/cart.rb:12:in `add'
app/controllers/carts.rb:5:in `create'"""
RUBY_CAUSE = """a.rb:9:in 'Shop#pay': payment failed (RuntimeError)
\tfrom a.rb:20:in '<main>'
b.rb:3:in 'Gate#post': no answer in 30 s (Net::ReadTimeout)
\tfrom a.rb:7:in 'Shop#pay'"""
PHP = """PHP Fatal error:  Uncaught PDOException: server has gone away in /srv/shop/Db.php:12
Stack trace:
#0 /srv/shop/Cart.php(31): Db->query('SELECT 1')
#1 /srv/vendor/slim/App.php(7): Cart->add()
#2 {main}

Next RuntimeException: cart failed in /srv/shop/Cart.php:40
Stack trace:
#0 {main}
  thrown in /srv/shop/Db.php on line 12"""
RUST = """thread 'main' panicked at src/cart.rs:17:10:
called `Result::unwrap()` on an `Err` value: Locked
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:647:5
   1: core::panicking::panic_fmt
   2: shop::cart::add
             at ./src/cart.rs:17:10
note: run with `RUST_BACKTRACE=full` for a verbose backtrace."""
RUST_2018 = """thread 'worker-3' panicked at 'cart 5 is locked', src/cart.rs:17:10
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"""

TITLES = [
    (PYTHON, "shop.errors.GatewayTimeout: no answer in 30 s"),
    ("ERROR:root:\n" + PYTHON, "shop.errors.GatewayTimeout: no answer in 30 s"),
    ("ERROR:root:" + PYTHON, "shop.errors.GatewayTimeout: no answer in 30 s"),
    (
        "2024-01-02 10:00:00,123 ERROR boom\n" + PYTHON,
        "shop.errors.GatewayTimeout: no answer in 30 s",
    ),
    (HANDLING, "shop.errors.GatewayTimeout: no answer in 30 s"),
    (
        HANDLING.replace(
            "During handling of the above exception, another exception occurred",
            "The above exception was the direct cause of the following exception",
        ),
        "shop.errors.GatewayTimeout: no answer in 30 s",
    ),
    (JAVA, "java.sql.SQLTimeoutException: no row"),
    (SHARED, "com.shop.db.NoRow: row 7 is gone"),
    (
        "java.lang.NullPointerException\n\tat a.B.c(B.java:1)",
        "java.lang.NullPointerException at a.B.c",
    ),
    (DOTNET, "System.TimeoutException: No answer in 30 s"),
    (GO, "panic: runtime error: invalid memory address or nil pointer dereference"),
    (NODE, "Error: connect ECONNREFUSED 10.0.0.1:5432"),
    (RUBY, "Cart::LockedError: cart 5 is locked"),
    (RAILS, "NoMethodError: undefined method `total' for nil:NilClass"),
    (RUBY_CAUSE, "Net::ReadTimeout: no answer in 30 s"),
    (PHP, "PDOException: server has gone away"),
    (RUST, "panic: called `Result::unwrap()` on an `Err` value: Locked"),
    (RUST_2018, "panic: cart 5 is locked"),
    (PYTHON.replace("\n", "\\n"), "shop.errors.GatewayTimeout: no answer in 30 s"),
    (
        json.dumps({"level": "error", "msg": "charge failed", "exc_info": PYTHON}),
        "shop.errors.GatewayTimeout: no answer in 30 s",
    ),
    (
        json.dumps({"level": "error", "error": {"message": "x", "stack": NODE}}),
        "Error: connect ECONNREFUSED 10.0.0.1:5432",
    ),
    ('{"level":"error","ts":1,"msg":"disk is full","n":5}', "disk is full"),
    ('{"level":"error","error":{"type":"LockError","message":"row 5"}}', "LockError: row 5"),
    ('{"errors":1,"error":"no route"}', "no route"),
    ('{\n  "level": "error",\n  "message": "disk is full"\n}', "disk is full"),
    ('2024-01-02T10:00:00Z ERROR {"msg":"disk is full"}', "disk is full"),
    ('[{"message":"disk is full"}]', "disk is full"),
    ('{"level":"error","service":"shop","message":"disk is fu', "disk is fu"),
    (
        '{"level":"error","service":"shop","time":12',
        "object without a message: level, service, time",
    ),
    ('{"message":"disk is full","stack":"at a\\n at', "disk is full"),
    ('{"message":"{\\"msg\\":\\"disk is full\\"}"}', "disk is full"),
    ('{"code":5,"shard":"a"}', "object without a message: code, shard"),
    (
        "\x1b[31mERROR\x1b[0m connection to db-01 refused after 31 ms",
        "ERROR connection to db-01 refused after 31 ms",
    ),
    ("\ufeffdisk\u200b is \x00full", "disk is full"),
    ("ERROR:root:\ndisk is full", "disk is full"),
    ("2024-01-02 10:00:00.123 [main] ERROR com.shop.Cart -\ndisk is full", "disk is full"),
    ("[2024-01-02 10:00:00] ERROR:\n\n  disk   is full", "disk is full"),
    ("----------\n***\ndisk is full", "disk is full"),
    ("disk is full\nand more", "disk is full"),
    ("Traceback (most recent call last):", "stack trace without a message"),
    ("ERROR:root:", "no message (ERROR:root:)"),
    ("{}", "empty object"),
    ("\u2026", "no message (\u2026)"),
    ("订单20931支付失败", "订单20931支付失败"),
]


@pytest.mark.parametrize(("text", "title"), TITLES)
def test_a_title_says_what_happened(text: str, title: str) -> None:
    assert read(text).title() == title


def test_a_title_is_one_short_line() -> None:
    title = read("word " * 500).title()
    assert len(title) <= TITLE_CHARS_MAX
    assert title.endswith("…")


def test_a_trace_in_a_field_of_json_gives_the_pattern_of_the_trace() -> None:
    patterns = Patterns()
    inside = json.dumps({"level": "error", "msg": "charge failed", "stack_trace": JAVA})
    assert patterns.of(inside) == patterns.of(JAVA)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            RUBY,
            "Cart::LockedError: cart <*> is locked"
            " at models/cart.rb:add at controllers/carts.rb:create",
        ),
        (PHP, "PDOException: server has gone away at Db->query"),
        (RUST, "panic: called <*> on an <*> value: Locked at shop::cart::add"),
        (RUST_2018, "panic: cart <*> is locked at src/cart.rs"),
        (SHARED, "com.shop.db.NoRow: row <*> is gone at com.shop.Cart.add"),
    ],
)
def test_a_trace_reduces_to_what_names_the_fault(text: str, pattern: str) -> None:
    assert Patterns().of(text) == pattern


@pytest.mark.parametrize("text", ['{"msg":"\n', '{"msg":"\n"', '{"msg":"  ---'])
def test_json_that_is_cut_before_its_message_is_named_by_its_fields(text: str) -> None:
    assert read(text).title() == "object without a message: msg"
