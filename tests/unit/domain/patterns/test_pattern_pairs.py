"""Pairs of messages that are one fault or two, by the fingerprint of the whole record.

Beside pairs that must hold in the pattern alone (test_pattern_contexts.py), these are further ones of
the same kinds, and codes, which tell faults apart beside an equal pattern.
"""

from __future__ import annotations

import json

import pytest

from ticketing.cli.pattern import describe

TWO_FAULTS = [
    # a quoted sentence says what happened
    ('backup aborted: "tape drive not ready"', 'backup aborted: "checksum does not match"'),
    (
        "sync failed with error 'read only file system' on /mnt/a",
        "sync failed with error 'stale file handle' on /mnt/a",
    ),
    ('driver said "out of memory" at 10:00', 'driver said "bus is off" at 10:00'),
    ("rejected: `token has expired`", "rejected: `token is not yet valid`"),
    (
        '{"msg":"cannot mount","why":"x","error":"no such device"}',
        '{"msg":"cannot mount","why":"x","error":"device is busy"}',
    ),
    # states and outcomes
    ("breaker moved from 'CLOSED' to 'OPEN'", "breaker moved from 'CLOSED' to 'HALF_OPEN'"),
    ("replica state is 'LAGGING'", "replica state is 'DETACHED'"),
    ("check done ready=true", "check done ready=false"),
    ("lease renewed success=no", "lease renewed success=yes"),
    # values alone, of different kinds
    ("17", "2030-01-02T03:04:05Z"),
    ("http://a.example/x", "someone@example.com"),
    # other scripts
    ("支付网关3超时", "支付网关3拒绝连接"),
    ("ошибка 5: диск переполнен", "ошибка 5: сеть недоступна"),
    # codes name the fault
    ("gateway answered with status 502", "gateway answered with status 403"),
    ("GET /a HTTP/1.1 returned 500", "GET /a HTTP/1.1 returned 404"),
    ('{"event":"call failed","status":503}', '{"event":"call failed","status":429}'),
    ("job ended with exit code 2", "job ended with exit code 139"),
    ("container exited (137)", "container exited (1)"),
    ("read failed: errno 5", "read failed: errno 110"),
    ("[Errno 13] cannot write '/var/a'", "[Errno 28] cannot write '/var/a'"),
    ("bind failed (os error 98)", "bind failed (os error 13)"),
    ("child killed by signal 9", "child killed by signal 11"),
    ('{"code":"PAY-17","message":"refused"}', '{"code":"PAY-23","message":"refused"}'),
    ("query failed, error code: 1045", "query failed, error code: 1213"),
]

ONE_FAULT = [
    # hosts, whatever their domain
    ("cache3.core.example:6379 timed out", "cache9.edge.internal:6380 timed out"),
    ("mirror.acme.zone:443 refused the connection", "mirror.acme.com:8443 refused the connection"),
    # NAME(n)
    ("joined by WORKER(4)", "joined by WORKER(11)"),
    # names of people in a strong context
    ("invalid user carol from 10.1.1.1", "invalid user oracle from 10.2.2.2"),
    ("User carol has exceeded the quota", "User dave has exceeded the quota"),
    (
        "failed password for carol from 10.0.0.1 port 22",
        "failed password for dave from 10.0.0.2 port 99",
    ),
    ("login of carol refused", "login of dave refused"),
    # padding, lists
    ("offset:::::::0 lost", "offset:::17 lost"),
    ("shard a down shard b down shard c down", "shard d down shard e down"),
    ("removed r-[3 5]", "removed r-[1-9 12]"),
    # a class of codes is one; codes of success are none
    ("gateway answered with status 502", "gateway answered with status 504"),
    ("GET /a HTTP/1.1 returned 403", "GET /a HTTP/1.1 returned 404"),
    ("job ended with exit code 0", "job ended with exit code 00"),
    ("took 404 ms", "took 503 ms"),
    ("wrote 500 rows", "wrote 404 rows"),
]


def fingerprint_of(message: str) -> str:
    record = {"service": "a", "level": "ERROR", "message": message}
    return describe(json.dumps(record))["fingerprint"]


@pytest.mark.parametrize(("left", "right"), TWO_FAULTS)
def test_two_faults_have_two_fingerprints(left: str, right: str) -> None:
    assert fingerprint_of(left) != fingerprint_of(right)


@pytest.mark.parametrize(("left", "right"), ONE_FAULT)
def test_one_fault_has_one_fingerprint(left: str, right: str) -> None:
    assert fingerprint_of(left) == fingerprint_of(right)


def test_a_file_and_its_line_are_no_host() -> None:
    assert describe("loader.rb:42 gave up")["pattern"] == "loader.rb:<*> gave up"
