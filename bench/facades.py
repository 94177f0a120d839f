"""`python -m bench.facades NAME PORT UPSTREAM`: what people write by hand to offer a gRPC server as REST.

Under uvicorn with its fast parser and loop, one channel of grpc.aio. Three kinds: `fastapi` types the order with
pydantic and converts by json_format; `fastapi-mapped` maps pydantic to protobuf without json_format, which only works
while the two agree field by field; `starlette` has no types of its own.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import uvicorn
from fastapi import FastAPI
from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.orders import PLACE, REST, order_class

_Call = Callable[..., Any]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Item(_Model):
    """bench.v1.Item."""

    sku: str = ""
    name: str = ""
    quantity: int = 0
    unit_price: int = 0
    weight: float = 0.0
    gift: bool = False
    tags: list[str] = []


class Order(_Model):
    """bench.v1.Order."""

    id: str = ""
    customer: str = ""
    placed_at: int = 0
    items: list[Item] = []


def fastapi(upstream: str) -> FastAPI:
    """pydantic at the border, json_format between it and protobuf."""
    message, state, app = order_class(), _State(upstream), FastAPI()
    app.router.lifespan_context = state.lifespan

    @app.post(REST, response_model_exclude_defaults=True)
    async def place(order: Order) -> Order:
        sent = json_format.ParseDict(order.model_dump(exclude_defaults=True), message())
        return Order.model_validate(json_format.MessageToDict(await state.place(sent)))

    return app


def fastapi_mapped(upstream: str) -> FastAPI:
    """pydantic at the border, its fields given to protobuf and read from it directly."""
    message, state, app = order_class(), _State(upstream), FastAPI()
    app.router.lifespan_context = state.lifespan

    @app.post(REST, response_model_exclude_defaults=True)
    async def place(order: Order) -> Order:
        got = await state.place(message(**order.model_dump(exclude_defaults=True)))
        items = [Item.model_validate(each) for each in got.items]
        return Order(id=got.id, customer=got.customer, placed_at=got.placed_at, items=items)

    return app


def starlette(upstream: str) -> Starlette:
    """json_format and nothing else."""
    message, state = order_class(), _State(upstream)

    async def place(request: Request) -> Response:
        got = await state.place(json_format.Parse(await request.body(), message()))
        return Response(json_format.MessageToJson(got, indent=None), media_type="application/json")

    return Starlette(routes=[Route(REST, place, methods=["POST"])], lifespan=state.lifespan)


class _State:
    """The channel, opened in the running loop."""

    place: _Call

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """As long as the server runs."""
        message = order_class()
        async with grpc.aio.insecure_channel(self._upstream) as channel:
            self.place = channel.unary_unary(PLACE, message.SerializeToString, message.FromString)
            yield


FACADES: dict[str, Callable[[str], Any]] = {
    "fastapi": fastapi,
    "fastapi-mapped": fastapi_mapped,
    "starlette": starlette,
}

if __name__ == "__main__":
    name, port, upstream = sys.argv[1:]
    app = FACADES[name](f"127.0.0.1:{upstream}")
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", log_level="error", access_log=False)
