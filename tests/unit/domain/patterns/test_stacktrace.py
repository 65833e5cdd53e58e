"""A stack trace reduces to the exception's class, its message and the application's top frames."""

from __future__ import annotations

import pytest

from ticketing.domain.patterns.pattern import Patterns
from ticketing.domain.patterns.stacktrace import FRAMES_MAX, reduce_trace
from ticketing.domain.patterns.word import MASK

JAVA = """Failed to handle order 17
java.lang.IllegalStateException: Order 17 is closed
\tat java.base/java.util.Objects.requireNonNull(Objects.java:221)
\tat org.springframework.web.Handler.invoke(Handler.java:5)
\tat com.acme.orders.OrderService.close(OrderService.java:112)
\tat com.acme.orders.OrderService$$EnhancerBySpringCGLIB$$1a2b3c.close(<generated>)
\tat com.acme.orders.OrderController.lambda$close$3(OrderController.java:40)
\tat java.lang.Thread.run(Thread.java:750)
"""
CAUSED = (
    JAVA
    + """Caused by: java.sql.SQLException: Deadlock on row 99
\tat com.mysql.cj.jdbc.StatementImpl.execute(StatementImpl.java:1)
\tat com.acme.orders.OrderDao.save(OrderDao.java:77)
\t... 23 more
"""
)
PYTHON = """Traceback (most recent call last):
  File "/app/src/acme/web.py", line 12, in handle
    return orders.close(17)
  File "/app/src/acme/orders.py", line 7, in close
    row = table[key]
  File "/usr/lib/python3.9/site-packages/db/core.py", line 90, in get
    raise KeyError(key)
KeyError: 'order-17'
"""
GO = """2023/01/02 03:04:05 http: panic serving 10.0.0.1:4711: runtime error: index out of range [5]
goroutine 34 [running]:
net/http.(*conn).serve.func1(0xc0000a)
\t/usr/local/go/src/net/http/server.go:1801 +0x147
panic(0x6b, 0xc0)
\t/usr/local/go/src/runtime/panic.go:975 +0x3e9
github.com/acme/shop/orders.(*Store).Close(0xc0001, 0x11)
\t/src/orders/store.go:42 +0x1d
main.main()
\t/src/main.go:9 +0x2a
"""
NODE = """TypeError: Cannot read properties of undefined (reading 'id')
    at close (/app/src/orders.js:10:5)
    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)
    at /app/src/web.js:3:14
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
"""
DOTNET = """System.InvalidOperationException: Failed ---> System.TimeoutException: No answer in 30 s
   at Acme.Orders.Dao.Save(Order order) in C:\\src\\Dao.cs:line 42
   --- End of inner exception stack trace ---
   at Acme.Orders.Service.Close(Int32 id) in C:\\src\\Service.cs:line 7
   at System.Threading.Tasks.Task.Execute()
"""
patterns = Patterns()


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (
            JAVA,
            f"java.lang.IllegalStateException: Order {MASK} is closed"
            " at com.acme.orders.OrderService.close at com.acme.orders.OrderService.close"
            " at com.acme.orders.OrderController.lambda",
        ),
        (CAUSED, f"java.sql.SQLException: Deadlock on row {MASK} at com.acme.orders.OrderDao.save"),
        (PYTHON, f"KeyError: {MASK} at acme/orders.py:close at acme/web.py:handle"),
        (
            GO,
            f"panic: runtime error: index out of range [{MASK}]"
            " at orders.(*Store).Close at main.main",
        ),
        (
            NODE,
            f"TypeError: Cannot read properties of undefined (reading {MASK})"
            " at close at src/web.js",
        ),
        (
            DOTNET,
            f"System.TimeoutException: No answer in {MASK}"
            " at Acme.Orders.Dao.Save at Acme.Orders.Service.Close",
        ),
    ],
    ids=["java", "caused by", "python", "go", "node", "dotnet"],
)
def test_what_names_the_fault_is_kept(text: str, pattern: str) -> None:
    assert patterns.of(text) == pattern


@pytest.mark.parametrize("text", [JAVA, CAUSED, PYTHON, GO, NODE, DOTNET])
def test_lines_ids_and_proxies_do_not_split(text: str) -> None:
    other = text.replace("17", "4711").replace(":112)", ":113)").replace("1a2b3c", "9f8e7d")
    other = other.replace("line 7", "line 8").replace(":42", ":57").replace(":10:5)", ":11:9)")
    assert other != text
    assert patterns.of(other) == patterns.of(text)


@pytest.mark.parametrize("text", [JAVA, CAUSED, PYTHON, NODE])
def test_escaped_onto_one_line_it_is_the_same(text: str) -> None:
    escaped = text.replace("\n", "\\n").replace("\t", "\\t")
    assert patterns.of(escaped) == patterns.of(text)


def test_windows_line_ends_change_nothing() -> None:
    assert patterns.of(JAVA.replace("\n", "\r\n")) == patterns.of(JAVA)


def test_other_exception_or_other_place_is_another_pattern() -> None:
    found = {
        patterns.of(text)
        for text in (
            JAVA,
            JAVA.replace("IllegalStateException", "NullPointerException"),
            JAVA.replace("OrderService.close", "OrderService.open"),
            JAVA.replace("is closed", "is locked"),
        )
    }
    assert len(found) == 4


def test_a_trace_of_libraries_only_keeps_its_top() -> None:
    text = "java.io.IOException: Broken pipe\n" + "\tat java.io.A.b(A.java:1)\n" * 9
    trace = reduce_trace(text)
    assert trace is not None
    assert trace.frames == ("java.io.A.b",) * FRAMES_MAX


def test_a_root_cause_far_below_is_found() -> None:
    frames = "\tat com.acme.Deep.call(Deep.java:5)\n" * 400
    text = JAVA + frames + "Caused by: a.b.RootException: gone\n\tat com.acme.Root.x(R.java:1)\n"
    assert patterns.of(text) == "a.b.RootException: gone at com.acme.Root.x"


@pytest.mark.parametrize(
    "text",
    [
        "first line\nsecond line",
        "look\n at this\n and that",
        "Traceback (most recent call last):\nnothing follows",
        "goroutine 5 [running]:\n",
        "",
    ],
)
def test_other_texts_of_many_lines_are_no_traces(text: str) -> None:
    assert reduce_trace(text) is None
