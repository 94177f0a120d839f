// The clients of grpc-web, which speak through XMLHttpRequest as in a browser.
//
// node grpc_web.mjs URL DESCRIPTOR_SET prints one JSON object: binary or text -> what was tried -> what became of it.

import { readFileSync } from "node:fs";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import grpcWeb from "grpc-web";
import xhr from "xmlhttprequest-ssl";

globalThis.XMLHttpRequest = xhr.XMLHttpRequest;

const [url, descriptorSet] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)));
const SERVICE = "library.v1.TrialService";
const { GrpcWebClientBase, MethodDescriptor, MethodType, RpcError, StatusCode } = grpcWeb;
const NAMES = Object.fromEntries(Object.entries(StatusCode).map(([name, number]) => [number, name]));

/** What generated code would hold: a method, how to write its request, how to read its answer. */
function described(name) {
  const method = registry.getService(SERVICE).methods.find((each) => each.name === name);
  const kind = method.methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING;
  return new MethodDescriptor(
    `/${SERVICE}/${name}`, kind, Object, Object,
    (fields) => toBinary(method.input, create(method.input, fields)),
    (bytes) => fromBinary(method.output, bytes),
  );
}

const METHODS = Object.fromEntries(["Mirror", "Fail", "Count", "Fill"].map((name) => [name, described(name)]));

function unary(client, name, request, metadata = {}) {
  return client.unaryCall(`${url}/${SERVICE}/${name}`, request, metadata, METHODS[name]);
}

/** All that a stream says until it ends. */
function stream(client, name, request, metadata = {}) {
  return new Promise((resolve) => {
    const said = { heard: [] };
    const call = client.serverStreaming(`${url}/${SERVICE}/${name}`, request, metadata, METHODS[name]);
    call.on("data", (message) => said.heard.push(Number(message.number)));
    call.on("metadata", (found) => { said.header = found["x-echo-one"]; });
    call.on("status", (status) => { said.status = NAMES[status.code]; said.trailer = status.metadata?.["x-echo-one"]; });
    call.on("error", (error) => { said.error = told(error); resolve(said); });
    call.on("end", () => resolve(said));
  });
}

function told(error) {
  if (!(error instanceof RpcError)) return { code: "no RpcError", message: String(error) };
  return { code: NAMES[error.code], message: error.message, details: Boolean(error.metadata["grpc-status-details-bin"]) };
}

const CASES = {
  async mirror(client) {
    const sent = { text: "Grüße, 世界 🌍", uint64Value: 18446744073709551615n, data: new Uint8Array([0, 255, 128]) };
    const { text, uint64Value, data } = await unary(client, "Mirror", sent);
    return { text, uint64Value: String(uint64Value), data: [...data] };
  },
  failure: (client) => unary(client, "Fail", { failWith: 9, message: "100 % — ü", details: [0, 3] }),
  async "large answer"(client) {
    return (await unary(client, "Fill", { size: 1_000_000n })).text.length;
  },
  "server stream": (client) => stream(client, "Count", { count: 4 }, { "x-echo-one": "1" }),
  "failure in the middle": (client) => stream(client, "Count", { count: 2, failWith: 9, message: "so — it" }),
};

async function tried(attempt, client) {
  try {
    return { value: await attempt(client) };
  } catch (error) {
    return { error: told(error) };
  }
}

async function all(format) {
  const client = new GrpcWebClientBase({ format });
  const found = await Promise.all(Object.entries(CASES).map(async ([name, attempt]) => [name, await tried(attempt, client)]));
  return [format, Object.fromEntries(found)];
}

const results = await Promise.all(["binary", "text"].map(all));
process.stdout.write(JSON.stringify(Object.fromEntries(results)), () => process.exit(0));
