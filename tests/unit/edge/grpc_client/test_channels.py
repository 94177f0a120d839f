"""Channels reach servers over TCP, IPv6, Unix sockets and TLS, verified or not, and say who they think they talk to."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme
from tls_http2 import files_of, observing

from isthmus.edge import pki
from isthmus.edge.grpc_client.channels import ChannelError, Target, handshake_refusal, open_channel
from isthmus.edge.grpc_client.reflection import ReflectionError, list_services, reflect
from isthmus.edge.upstreams import greeter

SERVICE = "helloworld.Greeter"
CA = pki.authority("Test CA")
CERTIFICATES = {
    "good": pki.leaf(CA, ["localhost", "127.0.0.1"]),
    "expired": pki.leaf(CA, ["localhost"], days=-2),
    "another name": pki.leaf(CA, ["demo.example"]),
    "wildcard": pki.leaf(CA, ["*.example"]),
    "no name": pki.leaf(CA, ["x"], with_san=False),
}


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    (tmp_path / "ca.crt").write_bytes(CA.cert_pem)
    return str(tmp_path / "ca.crt")


async def services(target: Target) -> tuple[str, ...]:
    async with open_channel(target) as channel:
        return (await list_services(channel)).services


@pytest.mark.parametrize("name", CERTIFICATES)
async def test_insecure_takes_any_certificate(name, tmp_path):
    server = greeter.start(tls=files_of(CERTIFICATES[name], tmp_path))
    try:
        assert SERVICE in await services(Target(server.address, tls=True, insecure=True))
    finally:
        server.stop(0)


@pytest.mark.parametrize("server_name", ["", "demo.example"])
@pytest.mark.parametrize("authority", ["", "api.example:8443"])
async def test_insecure_introduces_itself_as_asked(server_name, authority, tmp_path):
    """The certificate's name goes nowhere: not into SNI, not into :authority."""
    async with observing(files_of(CERTIFICATES["another name"], tmp_path)) as seen:
        target = Target(seen.address, tls=True, insecure=True, server_name=server_name, authority=authority)
        async with open_channel(target) as channel:
            asking = asyncio.ensure_future(reflect(channel))
            headers = await seen.headers
            asking.cancel()
    assert (headers[":authority"], headers[":scheme"]) == (authority or server_name or seen.address, "https")
    assert seen.sni == (server_name or None)


async def test_verified(tmp_path, ca_file):
    server = greeter.start(tls=files_of(CERTIFICATES["good"], tmp_path))
    try:
        assert SERVICE in await services(Target(server.address, tls=True, ca=ca_file))
        localhost = Target(f"localhost:{server.address.rpartition(':')[2]}", tls=True, ca=ca_file)
        assert SERVICE in await services(localhost)
        with pytest.raises(ReflectionError) as refused:
            await services(Target(server.address, tls=True))
        assert refused.value.kind == "tls"
    finally:
        server.stop(0)


@pytest.mark.parametrize("name", ["expired", "another name", "no name"])
async def test_verified_means_verified(name, tmp_path, ca_file):
    server = greeter.start(tls=files_of(CERTIFICATES[name], tmp_path))
    try:
        with pytest.raises(ReflectionError):
            await services(Target(server.address, tls=True, ca=ca_file))
    finally:
        server.stop(0)


@pytest.mark.parametrize("authority", ["", "demo.example:443", "api.example"])
async def test_the_server_name_is_what_is_verified(authority, tmp_path, ca_file):
    async with observing(files_of(CERTIFICATES["another name"], tmp_path)) as seen:
        target = Target(seen.address, tls=True, ca=ca_file, server_name="demo.example", authority=authority)
        async with open_channel(target) as channel:
            asking = asyncio.ensure_future(reflect(channel))
            headers = await seen.headers
            asking.cancel()
    assert (seen.sni, headers[":authority"], headers[":scheme"]) == (
        "demo.example",
        authority or "demo.example",
        "https",
    )


async def test_a_name_in_authority_alone_does_not_replace_verification(tmp_path, ca_file):
    server = greeter.start(tls=files_of(CERTIFICATES["another name"], tmp_path))
    try:
        with pytest.raises((ChannelError, ReflectionError)):
            await services(Target(server.address, tls=True, ca=ca_file, authority="demo.example"))
    finally:
        server.stop(0)


@pytest.mark.parametrize("insecure", [True, False])
async def test_client_certificates(insecure, tmp_path):
    authority = trustme.CA()  # its certificates are for clients too
    pair = authority.issue_cert("127.0.0.1")
    ca, cert, key = (str(tmp_path / name) for name in ("ca", "cert", "key"))
    authority.cert_pem.write_to_path(ca)
    pair.cert_chain_pems[0].write_to_path(cert)
    pair.private_key_pem.write_to_path(key)
    credentials = grpc.ssl_server_credentials(
        [(Path(key).read_bytes(), Path(cert).read_bytes())], Path(ca).read_bytes(), require_client_auth=True
    )
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        target = Target(f"127.0.0.1:{port}", tls=True, insecure=insecure, ca=ca)
        with pytest.raises(ReflectionError) as unknown:
            await services(target)
        assert unknown.value.kind != "unimplemented"
        with pytest.raises(ReflectionError) as known:
            await services(target._replace(cert=cert, key=key))
        assert known.value.kind == "unimplemented"  # it got through: the server has no services at all
    finally:
        server.stop(0).wait()


async def test_unix_and_ipv6(tmp_path):
    server = grpc.server(ThreadPoolExecutor(1))
    path = tmp_path / "s"
    server.add_insecure_port(f"unix:{path}")
    addresses = [f"unix:{path}", f"unix://{path}"]
    if socket.has_ipv6:
        addresses.append(f"[::1]:{server.add_insecure_port('[::1]:0')}")
    server.start()
    try:
        for address in addresses:
            with pytest.raises(ReflectionError) as known:
                await services(Target(address))
            assert known.value.kind == "unimplemented", address
    finally:
        server.stop(0).wait()


async def test_the_relay_notices_that_the_server_has_gone(tmp_path):
    server = greeter.start(tls=files_of(CERTIFICATES["expired"], tmp_path))
    async with open_channel(Target(server.address, tls=True, insecure=True)) as channel:
        await list_services(channel)
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        server.stop(0)
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        with pytest.raises(ReflectionError) as gone:
            await list_services(channel)
        assert gone.value.kind == "unreachable"


async def test_the_relay_connects_again(tmp_path):
    files = files_of(CERTIFICATES["expired"], tmp_path)
    server = greeter.start(tls=files)
    async with open_channel(Target(server.address, tls=True, insecure=True)) as channel:
        await list_services(channel)
        server.stop(0)
        await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        server = greeter.start(port=int(server.address.rpartition(":")[2]), tls=files)
        try:
            async with asyncio.timeout(10):
                while channel.get_state(try_to_connect=True) is not grpc.ChannelConnectivity.READY:
                    await channel.wait_for_state_change(channel.get_state(try_to_connect=True))
            assert SERVICE in (await list_services(channel)).services
        finally:
            server.stop(0)


async def test_the_relay_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    server = greeter.start(tls=files_of(CERTIFICATES["no name"], tmp_path))
    try:
        async with open_channel(Target(server.address, tls=True, insecure=True)) as channel:
            await list_services(channel)
            (folder,) = tmp_path.glob("isthmus-*")
            assert os.stat(folder).st_mode & 0o777 == 0o700
        assert not list(tmp_path.glob("isthmus-*"))
    finally:
        server.stop(0)


async def test_large_messages_pass_the_relay():
    """8 MiB each way, which is far more than any buffer on the way holds."""
    server = grpc.server(ThreadPoolExecutor(1), options=(("grpc.max_receive_message_length", -1),))
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", {"C": echo}),))
    pair = CERTIFICATES["expired"]
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pair.key_pem, pair.cert_pem)]))
    server.start()
    try:
        async with open_channel(Target(f"127.0.0.1:{port}", tls=True, insecure=True)) as channel:
            sent = os.urandom(8 * 1024 * 1024)
            assert await channel.unary_unary("/a.B/C")(sent) == sent
    finally:
        server.stop(0).wait()


BAD = {
    "junk as authorities": ({"ca": "JUNK"}, "no PEM file that TLS can use"),
    "junk as certificate": ({"cert": "JUNK", "key": "JUNK"}, "no PEM file that TLS can use"),
    "no such file": ({"ca": "/nope"}, "/nope: No such file"),
    "another's key": ({"cert": "CERT", "key": "OTHER"}, "key values mismatch"),
}


@pytest.mark.parametrize(
    ("files", "says", "insecure"),
    [
        pytest.param(*case, insecure, id=f"{name}, {'insecure' if insecure else 'verified'}")
        for name, case in BAD.items()
        for insecure in ([False] if "ca" in case[0] else [False, True])  # insecure: no authority is looked at
    ],
)
async def test_bad_files_are_named(files, says, insecure, tmp_path):
    (tmp_path / "JUNK").write_text("junk")
    cert, _ = files_of(CERTIFICATES["good"], tmp_path)
    _, other = files_of(CERTIFICATES["expired"], tmp_path, "other")
    paths = {"JUNK": str(tmp_path / "JUNK"), "CERT": cert, "OTHER": other}
    given = {option: paths.get(file, file) for option, file in files.items()}
    with pytest.raises(ChannelError, match=says):
        await services(Target("127.0.0.1:1", tls=True, insecure=insecure, **given))


async def test_a_server_name_that_is_none():
    with pytest.raises(ChannelError, match="no host name"):
        await services(Target("127.0.0.1:1", tls=True, insecure=True, server_name="."))


async def test_insecure_to_cleartext_and_to_nobody():
    server = greeter.start()
    try:
        with pytest.raises(ChannelError, match="no TLS handshake"):
            await services(Target(server.address, tls=True, insecure=True))
    finally:
        server.stop(0)
    with pytest.raises(ChannelError, match="connection refused"):
        await services(Target(server.address, tls=True, insecure=True))


async def test_tls_on_a_unix_socket(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files_of(CERTIFICATES["good"], tmp_path))
    context.set_alpn_protocols(["h2"])
    prefaced = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        prefaced.set_result(await reader.readexactly(24))
        writer.transport.abort()

    server = await asyncio.start_unix_server(serve, tmp_path / "s", ssl=context)
    async with server, open_channel(Target(f"unix:{tmp_path}/s", tls=True, insecure=True)) as channel:
        channel.get_state(try_to_connect=True)
        assert (await prefaced).startswith(b"PRI * HTTP/2.0")


def test_a_server_that_refuses_the_handshake_is_said_with_what_may_help():
    """As a gateway does to a name that it does not serve: no certificate, so an alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")  # it has no such key
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    theirs = ssl.MemoryBIO()
    theirs.write(outgoing.read())
    answer = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLError):
        context.wrap_bio(theirs, answer, server_side=True).do_handshake()
    incoming.write(answer.read())
    with pytest.raises(ssl.SSLError) as refused:
        client.do_handshake()
    assert "it serves other names (SNI), or wants a client certificate" in handshake_refusal(refused.value)
