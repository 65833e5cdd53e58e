"""Lines of a stack trace that came as records of their own are told by their shape alone."""

from __future__ import annotations

import pytest

from ticketing.domain.patterns.frames import only_frames
from ticketing.domain.patterns.reading import read

FRAMES = [
    "\tat com.shop.Cart.add(Cart.java:11)",
    "at com.shop.Cart.add(Cart.java:11)",
    "\tat java.base/java.lang.Thread.run(Thread.java:750) ~[?:1.8]",
    "\tat sun.reflect.NativeMethodAccessorImpl.invoke0(Native Method)",
    "\tat com.shop.Cart$$EnhancerBySpring$$1a2b.add(<generated>)",
    "\tat app//com.shop.Cart.lambda$add$0(Unknown Source)",
    "\t... 3 more",
    "\t... 12 common frames omitted",
    "Caused by: java.sql.SQLTimeoutException: no row",
    "\tSuppressed: java.io.IOException: closed",
    "    at close (/app/src/orders.js:10:5)",
    "    at /app/src/web.js:3:14",
    "    at async Promise.all (index 0)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    "    at Object.<anonymous> (file:///app/x.mjs:1:1)",
    "    at new Cart (/app/cart.js:1:2)",
    "   at Acme.Orders.Dao.Save(Order order) in C:\\src\\Dao.cs:line 42",
    "   at System.Threading.Tasks.Task.Execute()",
    "   --- End of inner exception stack trace ---",
    "--- End of stack trace from previous location ---",
    " ---> System.TimeoutException: No answer in 30 s",
    "Traceback (most recent call last):",
    '  File "/srv/shop/pay.py", line 41, in charge',
    "    gw.post(o)",
    "    raise GatewayTimeout(",
    "    return await self.pool.fetch(query)",
    "    ~~~~~~~^^^^^",
    "During handling of the above exception, another exception occurred:",
    "  [Previous line repeated 996 more times]",
    "goroutine 34 [running]:",
    "main.load(0x0)",
    "net/http.(*conn).serve(0xc0000a, {0x1, 0x2})",
    "github.com/acme/shop/orders.(*Store).Close(...)",
    "\t/src/orders/store.go:42 +0x1d",
    "created by net/http.(*Server).Serve in goroutine 1",
    "#0 /srv/shop/Cart.php(31): Db->query('SELECT 1')",
    "#1 [internal function]: Cart->add()",
    "#2 {main}",
    "Stack trace:",
    "  thrown in /srv/shop/Db.php on line 12",
    "#3  0x00007f3a in start_thread (arg=0x7f) from /lib/libpthread.so.0",
    "\tfrom app/controllers/carts.rb:5:in `create'",
    "app/models/cart.rb:12:in 'Cart#add'",
    "   2: shop::cart::add",
    "             at ./src/cart.rs:17:10",
    "stack backtrace:",
    "note: run with `RUST_BACKTRACE=full` for a verbose backtrace.",
    "\x1b[31m\tat com.shop.Cart.add(Cart.java:11)\x1b[0m",
    "2024-01-02 10:00:00 ERROR \tat com.shop.Cart.add(Cart.java:11)",
    "\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n\t... 3 more",
]
OTHERS = [
    "java.lang.IllegalStateException: cart locked",
    "shop.errors.GatewayTimeout: no answer in 30 s",
    "at least one node is down",
    "at startup (phase 2) the disk was full",
    "at 10:00 the disk was full",
    "from now on disk 5 is read only",
    "... 3 retries failed",
    "...",
    "#12 failed payment of the day",
    "#5 (order) is lost",
    "File not found: a.txt",
    "    disk is full on /dev/sda1",
    "    connection refused (10.0.0.1:5432)",
    "2: cannot open shared object",
    "3: error: no such table",
    "app/models/cart.rb:12:in `add': cart is locked (Cart::LockedError)",
    "panic: runtime error: index out of range [5]",
    "thread 'main' panicked at src/cart.rs:17:10:",
    "stack overflow in worker 5",
    "note: disk is full",
    "write failed (disk full)",
    "flush() failed",
    "disk full",
    "",
    "Caused by: com.acme.Root: gone\n\tat com.acme.Root.x(R.java:1)",
    "java.lang.NullPointerException\n\tat a.B.c(B.java:1)",
    'Traceback (most recent call last):\n  File "/a/b.py", line 1, in c\n    d()\nKeyError: 5',
]


@pytest.mark.parametrize("text", FRAMES)
def test_a_line_of_a_trace_is_told_by_its_shape(text: str) -> None:
    assert only_frames(read(text))


@pytest.mark.parametrize("text", OTHERS)
def test_what_says_something_is_no_frame(text: str) -> None:
    assert not only_frames(read(text))
