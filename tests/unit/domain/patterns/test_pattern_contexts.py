# ruff: noqa: RUF001  (texts in other scripts)
"""Patterns in all writing systems, and values that only the words around them tell."""

from __future__ import annotations

import pytest

from ticketing.domain.patterns.pattern import Patterns

ALIKE = [
    # other scripts: only the values inside are masked
    ("订单20931支付失败，余额不足", "订单7支付失败，余额不足"),
    ("库存服务返回500，商品8812扣减失败", "库存服务返回503，商品1扣减失败"),
    ("访问http://a.example.com/x失败", "访问http://10.0.0.1:80/y/z失败"),
    ("于2024-01-02 10:00:00连接10.0.0.1:5432超时", "于2025-11-30 23:59:59连接10.0.0.7:99超时"),
    ("用户alice@example.com登录超时", "用户bob@example.org登录超时"),
    ("注文12345の決済に失敗しました", "注文9の決済に失敗しました"),
    ("คำสั่งซื้อ12345ล้มเหลว", "คำสั่งซื้อ7ล้มเหลว"),
    ("주문20931이 실패했습니다", "주문5이 실패했습니다"),
    ("订单２０９３１失败", "订单７失败"),
    ("заказ15 отклонён узлом-7", "заказ2 отклонён узлом-12"),
    ("παραγγελία15 απορρίφθηκε", "παραγγελία7 απορρίφθηκε"),
    ("الطلب ٢٥ فشل", "الطلب ٧ فشل"),
    ("commande n°15 refusée à l'étape3", "commande n°7 refusée à l'étape12"),
    ("order 5失败 for req-9aafc1", "order 7失败 for req-1b2c3d"),
    # hosts with a port
    ("db7.acme.zone:443 opened", "proxy.acme.com:443 opened"),
    ("cache.acme.zone:443 opened", "queue.shop.lan:6379 opened"),
    ("connection to redis:6379 refused", "connection to rabbit:5672 refused"),
    ("dial tcp edge-a.fleet.acme:7001 failed", "dial tcp core.fleet.acme:7002 failed"),
    # people
    ("invalid user user from 10.0.0.1", "invalid user backup from 10.0.0.9"),
    ("User alice could not log in", "User bob could not log in"),
    ("User 'alice' could not log in", "User 'bob smith' could not log in"),
    ("login of alice failed", "login of bob failed"),
    ("username alice is locked", "username bob is locked"),
    ("session for alice from 10.0.0.1 closed", "session for bob from host-7.example.com closed"),
    ("denied username=alice", "denied username=bob"),
    # numbers in odd places
    ("linked to PEER(0)", "linked to PEER(3)"),
    ("depth.......0 reached", "depth.......12 reached"),
    ("width:::::::7 px", "width:::12 px"),
    ("drained n-[1 4]", "drained n-[2-7 9]"),
    ("drained n-[1-3,7]", "drained n-[2]"),
    # a list told as a sentence for each thing
    ("node a up node b up node c up", "node d up node e up"),
    ("disk a is full disk b is full", "disk c is full disk d is full disk e is full"),
    ("a is down, b is down", "c is down, d is down, e is down"),
]

APART = [
    ("订单20931支付失败，余额不足", "用户77120登录超时"),
    ("订单20931支付失败", "订单20931退款失败"),
    ("注文12345の決済に失敗しました", "注文12345の配送に失敗しました"),
    ("คำสั่งซื้อ12345ล้มเหลว", "คำสั่งซื้อ12345หมดเวลา"),
    ("заказ15 отклонён", "заказ15 потерян"),
    ("чтение/запись прервана", "чтение/поиск прервана"),
    ("main.py:42 failed", "util.py:42 failed"),
    ("retries:3 left", "workers:3 left"),
    ("depth.......0 reached", "width.......0 reached"),
    ('upload failed: "no space left on device"', 'upload failed: "connection refused by peer"'),
    ("upload failed: 'permission denied'", "upload failed: 'access forbidden'"),
    (
        "write failed with error 'disk quota exceeded' on /dev/sdb2",
        "write failed with error 'permission denied' on /dev/sdb2",
    ),
    ("state changed from 'RUNNING' to 'FAILED'", "state changed from 'RUNNING' to 'STOPPED'"),
    ('status is "degraded"', 'status is "lost"'),
    ("probe finished healthy=false", "probe finished healthy=true"),
    ('{"msg":"probe finished","healthy":false}', '{"msg":"probe finished","healthy":true}'),
    ("r24=0x1f3a", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ("5", "10.0.0.1"),
    ("waiting for ack from node", "waiting for heartbeat from node"),
    ("failed to open failed", "failed to close failed"),
]

patterns = Patterns()


@pytest.mark.parametrize(("left", "right"), ALIKE)
def test_values_are_told_by_the_words_around_them(left: str, right: str) -> None:
    assert patterns.of(left) == patterns.of(right)


@pytest.mark.parametrize(("left", "right"), APART)
def test_what_says_something_else_stays_apart(left: str, right: str) -> None:
    assert patterns.of(left) != patterns.of(right)


def test_all_kinds_stay_apart() -> None:
    kinds = {patterns.of(left): left for left, _ in ALIKE}
    twins = 5  # hosts, users and nodes told twice
    assert len(kinds) >= len(ALIKE) - twins


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("订单20931支付失败，余额不足", "订单<*>支付失败，余额不足"),
        ("用户77120登录超时", "用户<*>登录超时"),
        ("库存服务返回500，商品8812扣减失败", "库存服务返回<*>，商品<*>扣减失败"),
        ("访问http://a.example.com/x失败", "访问<*>失败"),
        ("заказ15 отклонён", "заказ<*> отклонён"),
        ("Zähler5 überlief nach 12µs", "Zähler<*> überlief nach <*>"),
    ],
)
def test_words_of_every_script_stay(text: str, pattern: str) -> None:
    assert patterns.of(text) == pattern


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\x1b[31mERROR\x1b[0m disk 5 is full", "ERROR disk 7 is full"),
        ("\ufeffdisk\x00 5 is\u200b full", "disk 7 is full"),
        ("disk\u202e 5 is full", "disk 7 is full"),
    ],
)
def test_what_nobody_sees_is_not_in_a_pattern(dirty: str, clean: str) -> None:
    assert patterns.of(dirty) == patterns.of(clean)


def test_chinese_lines_longer_than_a_word_ever_is_stay() -> None:
    text = "库存服务返回错误商品扣减失败请稍后重试或联系管理员" * 4
    assert patterns.of(text) == text
