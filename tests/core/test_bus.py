"""The bus: encoded calls and casts, remote errors, servers that are down."""

from __future__ import annotations

import traceback
from typing import Protocol

import msgspec
import pytest

from cellrig.bus import Bus, cast
from cellrig.errors import MessagingTimeout, NotFound, NoValidHost, RemoteError
from cellrig.hooks import plugin_manager
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Process, Seams


class Order(msgspec.Struct, frozen=True):
    """What is sent."""

    names: list[str]
    size: int = 1


class Unknown(Exception):
    """An error that is not the field's."""


class Shop(Protocol):
    """An interface."""

    def buy(self, order: Order, discount: float = 0.0) -> list[str]:
        """Buy."""

    @cast
    def remember(self, text: str) -> None:
        """Remember."""


class Server:
    """Answers it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.remembered: list[str] = []

    def buy(self, order: Order, discount: float = 0.0) -> list[str]:
        self.orders.append(order)
        if order.size == 0:
            raise NotFound("size", "0")
        if order.size == -1:
            raise NoValidHost("nothing fits", {"h1": "too small"})
        if order.size == -2:
            raise Unknown("strange")
        if order.size == -3:
            raise ValueError("a value")
        return order.names

    def remember(self, text: str) -> None:
        self.remembered.append(text)


def build(serve: bool = True) -> tuple[VirtualRuntime, Bus, Server, Shop, Process]:
    runtime = VirtualRuntime()
    bus = Bus(runtime, Seams(runtime, plugin_manager()))
    server, process = Server(), Process("shop")
    if serve:
        bus.serve("shop", Shop, server, process)
    client = bus.client(Shop, "shop", Process("api"))  # type: ignore[type-abstract]
    return runtime, bus, server, client, process


def test_a_call_brings_back_the_result_and_shares_nothing() -> None:
    runtime, _bus, server, shop, _process = build()
    names = ["a"]
    answer = runtime.run(lambda: shop.buy(Order(names), discount=0.5), name="t")
    assert answer == ["a"]
    assert answer is not names
    names.append("b")
    assert server.orders[0].names == ["a"]


def test_a_cast_is_not_waited_for() -> None:
    runtime, _bus, server, shop, _process = build()

    def send() -> list[str]:
        shop.remember("x")
        return list(server.remembered)

    assert runtime.run(send, name="t") == []
    runtime.settle()
    assert server.remembered == ["x"]


def test_a_remote_error_keeps_its_type_its_arguments_and_its_traceback() -> None:
    runtime, _bus, _server, shop, _process = build()
    with pytest.raises(NotFound) as caught:
        runtime.run(lambda: shop.buy(Order([], 0)), name="t")
    assert (caught.value.kind, caught.value.name) == ("size", "0")
    told = "".join(traceback.format_exception(caught.value))
    assert "remote traceback" in told
    assert "in buy" in told


def test_structured_arguments_of_an_error_survive() -> None:
    runtime, _bus, _server, shop, _process = build()
    with pytest.raises(NoValidHost) as caught:
        runtime.run(lambda: shop.buy(Order([], -1)), name="t")
    assert caught.value.refusals == {"h1": "too small"}


def test_an_error_of_python_keeps_its_type_and_any_other_becomes_a_remote_error() -> None:
    runtime, _bus, _server, shop, _process = build()
    with pytest.raises(ValueError, match="a value"):
        runtime.run(lambda: shop.buy(Order([], -3)), name="t")
    with pytest.raises(RemoteError, match="remote Unknown: strange"):
        runtime.run(lambda: shop.buy(Order([], -2)), name="t")


def test_a_call_to_nobody_times_out_on_the_virtual_clock() -> None:
    runtime, _bus, _server, shop, _process = build(serve=False)
    start = runtime.now()
    with pytest.raises(MessagingTimeout, match="no reply to buy from shop within 60 s"):
        runtime.run(lambda: shop.buy(Order([])), name="t")
    assert runtime.now() == start + 60


def test_a_cast_waits_in_the_queue_for_a_server_that_is_down() -> None:
    runtime, bus, server, shop, process = build()
    process.crash()
    runtime.run(lambda: shop.remember("x"), name="t")
    runtime.settle()
    assert server.remembered == []
    assert [message.method for message in bus.queued()] == ["remember"]
    bus.serve("shop", Shop, server, Process("shop"))
    runtime.settle()
    assert server.remembered == ["x"]
    assert bus.queued() == []


def test_an_argument_of_the_wrong_type_fails_at_the_boundary() -> None:
    runtime, _bus, server, shop, _process = build()
    with pytest.raises(RemoteError, match="ValidationError"):
        runtime.run(lambda: shop.buy("no order"), name="t")  # type: ignore[arg-type]
    assert server.orders == []
