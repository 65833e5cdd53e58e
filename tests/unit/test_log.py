"""No secret in any log line, whoever writes it and however it got there."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing import log

SECRET = 'hunter2/+"ü\\x'


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook)
    hooks = (threading.excepthook, sys.unraisablehook)
    yield
    root.handlers[:], root.level, sys.excepthook = before
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)


def fail(secret: str) -> None:
    token = f"Bearer {secret}"
    raise RuntimeError(f"refused: {token}")


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_secrets_are_masked_in_messages_fields_and_tracebacks(fmt: str) -> None:
    stream = io.StringIO()
    log.configure("debug", fmt, [SECRET], stream=stream)
    ours = log.get("ticketing.test")
    ours.info(f"sent with {SECRET}", header=SECRET, nested={"deep": [SECRET]}, url=quote(SECRET))
    logging.getLogger("library.of.others").warning("GET /?key=%s", quote(SECRET, safe=""))
    logging.getLogger("library.of.others").warning("headers %r", {"Authorization": SECRET})
    try:
        fail(SECRET)
    except RuntimeError:
        ours.exception("failed")
        logging.getLogger("library.of.others").exception("failed too")
    written = stream.getvalue()
    assert "hunter2" not in written
    assert written.count("****") >= 8
    assert "refused: Bearer ****" in written


def test_a_json_line_is_one_object_with_time_level_and_fields() -> None:
    stream = io.StringIO()
    log.configure("info", "json", [], stream=stream)
    log.get("ticketing.test").info("started", app="pipeline")
    logging.getLogger("faust").warning("slow")
    log.get("ticketing.test").debug("not written")
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["event"], first["app"], first["level"]) == ("started", "pipeline", "info")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["logger"]) == ("slow", "faust")


def test_a_library_with_a_handler_of_its_own_is_redacted_too() -> None:
    aside = io.StringIO()
    logging.getLogger("library.with.handler").addHandler(logging.StreamHandler(aside))
    stream = io.StringIO()
    log.configure("info", "json", [SECRET], stream=stream)
    logging.getLogger("library.with.handler").warning(SECRET)
    assert aside.getvalue() == ""
    assert "****" in stream.getvalue()


def test_an_uncaught_exception_is_redacted() -> None:
    program = (
        "from ticketing import log\n"
        "log.configure('info', 'json', ['hunter2-hunter2'])\n"
        "raise RuntimeError('refused hunter2-hunter2')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    # Python quotes the source line in its own traceback only for files, not for -c.
    assert "hunter2" not in ended.stderr
    assert "refused ****" in ended.stderr
    assert ended.returncode != 0


def test_a_short_secret_is_masked_as_a_word_only() -> None:
    redact = log.Redactor(["abc"])
    assert redact("token=abc, alphabcet") == "token=****, alphabcet"


@given(st.text(min_size=8, max_size=40), st.text(max_size=40))
def test_no_long_secret_survives_in_text_or_json(secret: str, around: str) -> None:
    redact = log.Redactor([secret])
    text = f"{around}{secret}{around}"
    assert secret not in redact(text) or secret in "****"
    assert json.dumps(secret)[1:-1] not in redact(json.dumps({"k": text}))


def test_without_secrets_nothing_changes() -> None:
    assert log.Redactor()("all of it") == "all of it"


def test_an_error_that_ends_a_thread_is_a_line_without_secrets() -> None:
    stream = io.StringIO()
    log.configure("info", "json", [SECRET], stream=stream)
    thread = threading.Thread(target=fail, args=[SECRET], name="a thread")
    thread.start()
    thread.join()
    (line,) = stream.getvalue().splitlines()
    assert "refused: Bearer ****" in json.loads(line)["exception"]


def test_what_repeats_is_written_once_and_counted() -> None:
    stream = io.StringIO()
    log.configure("info", "json", [], stream=stream)
    for number in range(100):
        logging.getLogger("aiokafka").error("no connection to node %s: 100%% gone", number)
        log.get("ticketing.test").warning("heartbeat_failed", why="TimeoutError")
        log.get("ticketing.test").warning("other", why="TimeoutError")
    logging.getLogger().handlers[0].close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "no connection to node 0: 100% gone",
        "heartbeat_failed",
        "other",
        "no connection to node 99: 100% gone (repeated 99 times)",
        "heartbeat_failed (repeated 99 times)",
        "other (repeated 99 times)",
    ]
    assert [line.get("repeated") for line in lines[3:]] == [99, 99, 99]


def test_every_line_is_written_at_debug() -> None:
    stream = io.StringIO()
    log.configure("debug", "json", [], stream=stream)
    for _ in range(3):
        logging.getLogger("aiokafka").error("no connection")
    assert len(stream.getvalue().splitlines()) == 3


async def test_every_line_of_a_task_says_what_it_is_about() -> None:
    stream = io.StringIO()
    log.configure("info", "json", [SECRET], stream=stream)

    async def work(partition: int) -> None:
        with log.about(topic="in", partition=partition, key=SECRET):
            await asyncio.sleep(0)
            # Other words each time, as numbers are none of a library: what repeats is said once.
            logging.getLogger("library").warning("slow in %s", ["zero", "one", "two"][partition])
            log.get("ticketing.test").info(f"seen in {partition}", partition=9)

    await asyncio.gather(work(1), work(2))
    log.get("ticketing.test").info("after")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    told = [(line["event"], line.get("topic"), line.get("partition")) for line in lines]
    assert sorted(told, key=str) == [
        ("after", None, None),
        ("seen in 1", "in", 9),
        ("seen in 2", "in", 9),
        ("slow in one", "in", 1),
        ("slow in two", "in", 2),
    ]
    assert SECRET not in stream.getvalue()


def test_a_line_that_sums_up_the_process_is_about_no_partition() -> None:
    stream = io.StringIO()
    log.configure("info", "json", [], stream=stream)
    with log.about(topic="in", partition=3):
        with log.about_the_process():
            log.get("ticketing.test").warning("of all")
        log.get("ticketing.test").warning("of one")
    of_all, of_one = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert of_all.keys().isdisjoint({"topic", "partition"})
    assert (of_one["topic"], of_one["partition"]) == ("in", 3)


def test_a_value_does_not_act_on_the_terminal() -> None:
    stream = io.StringIO()
    log.configure("info", "console", [], stream=stream)
    attack = "\x1b]0;owned\x07\u202e"
    log.get("ticketing.test").warning(f"refused {attack}", text=attack)
    try:
        fail(attack)
    except RuntimeError:
        logging.getLogger("library.of.others").exception("failed")
    assert not {"\x1b", "\x07", "\u202e"} & set(stream.getvalue())
    assert stream.getvalue().count("\\u001b]0;owned") == 3
