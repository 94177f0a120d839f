// Clients of Connect, gRPC-Web and gRPC from @connectrpc. Descriptors come from a file: nothing here is generated.
//
// node connect.mjs URL DESCRIPTOR_SET prints one JSON object: transport -> what was tried -> what became of it.

import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as node from "@connectrpc/connect-node";
import * as web from "@connectrpc/connect-web";

const [baseUrl, descriptorSet] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)));
const Trials = registry.getService("library.v1.TrialService");
const Library = registry.getService("library.v1.LibraryService");
const OutOfStock = registry.getMessage("library.v1.OutOfStock");
const Everything = registry.getMessage("library.v1.Everything");

const jsonOptions = { registry }; // for what is inside of google.protobuf.Any
const used = {}; // transport -> HTTP methods of its calls of GetBook

/** A fetch that remembers how GetBook was called. */
function remembering(kind) {
  return (input, init) => {
    if (String(input).includes("/GetBook")) (used[kind] ??= new Set()).add(init.method);
    return fetch(input, init);
  };
}

function browser(kind, options) {
  return web.createConnectTransport({ baseUrl, jsonOptions, fetch: remembering(kind), ...options });
}

function server(options) {
  return node.createConnectTransport({ baseUrl, jsonOptions, httpVersion: "2", ...options });
}

const GZIP = { sendCompression: node.compressionGzip, compressMinBytes: 1 };
const TRANSPORTS = {
  "connect-web json": browser("connect-web json", {}),
  "connect-web binary": browser("connect-web binary", { useBinaryFormat: true }),
  "connect-web json by GET": browser("connect-web json by GET", { useHttpGet: true }),
  "connect-web binary by GET": browser("connect-web binary by GET", { useHttpGet: true, useBinaryFormat: true }),
  "connect-web grpc-web": web.createGrpcWebTransport({ baseUrl }),
  "connect-node json": server({ useBinaryFormat: false }),
  "connect-node binary": server({ useBinaryFormat: true }),
  "connect-node json gzip": server({ useBinaryFormat: false, ...GZIP }),
  "connect-node binary gzip": server({ useBinaryFormat: true, ...GZIP }),
  "connect-node grpc": node.createGrpcTransport({ baseUrl }),
};

const EVERYTHING = JSON.parse(readFileSync(new URL("everything.json", import.meta.url)));

/** What an error says, in plain values. */
function told(error) {
  const known = ConnectError.from(error);
  return {
    code: Code[known.code],
    message: known.rawMessage,
    details: known.details.map((each) => each.type),
    outOfStock: known.findDetails(OutOfStock).map((each) => toJson(OutOfStock, each)),
    echoed: known.metadata.get("x-echo-one"),
  };
}

/** Requests for a stream, one at a time: `sent` tells how many were asked for. */
async function* ticks(numbers, sent = { count: 0 }) {
  for (const number of numbers) {
    sent.count += 1;
    yield { number: BigInt(number) };
  }
}

/** A message is sent only when the one before has come back: neither direction may wait for the end of the other. */
async function conversation(client, options) {
  let next;
  const answered = () => new Promise((resolve) => { next = resolve; });
  async function* talk() {
    for (let number = 1; number <= 3; number += 1) {
      const wait = answered();
      yield { number: BigInt(number) };
      await wait;
    }
  }
  const heard = [];
  for await (const tick of client.bounce(talk(), options)) {
    heard.push(Number(tick.number));
    next();
  }
  return heard;
}

const UNARY = {
  async mirror({ trials }) {
    const sent = fromJson(Everything, EVERYTHING, { registry });
    return toJson(Everything, await trials.mirror(sent), { registry });
  },
  async "safe method"({ library, kind }) {
    const { title } = await library.getBook({ name: "shelves/1/books/1" });
    return { title, methods: [...(used[kind] ?? [])] };
  },
  async failure({ trials }) {
    const message = "100 % — ü\n";
    await trials.fail({ failWith: 9, message, details: [0, 3, 4] }, { headers: { "x-echo-one": "1" } });
  },
  async "no such resource"({ library }) {
    await library.getBook({ name: "shelves/1/books/999" });
  },
  async "metadata and trailers"({ trials }) {
    const seen = {};
    await trials.mirror({}, {
      headers: { "x-echo-one": "1", "x-echo-two-bin": "AAE" },
      onHeader: (headers) => { seen.header = headers.get("x-echo-one"); seen.binary = headers.get("x-echo-two-bin"); },
      onTrailer: (trailers) => { seen.trailer = trailers.get("x-echo-one"); },
    });
    return seen;
  },
  async "own deadline"({ trials }) {
    await trials.fail({ delayMs: 20_000 }, { timeoutMs: 300 });
  },
  async "deadline of the gateway"({ trials, kind }) {
    const headers = kind.includes("grpc") ? { "grpc-timeout": "300m" } : { "connect-timeout-ms": "300" };
    await trials.fail({ delayMs: 20_000 }, { headers });
  },
};

const LARGE = {
  async "large answer"({ trials }) {
    return (await trials.fill({ size: 1_000_000n })).text.length;
  },
  async "large request"({ trials }) {
    return (await trials.mirror({ text: "x".repeat(1_000_000) })).text.length;
  },
};

const SERVER_STREAMS = {
  async "server stream"({ trials }) {
    const heard = [];
    const seen = {};
    const how = {
      headers: { "x-echo-one": "1" },
      onHeader: (headers) => { seen.header = headers.get("x-echo-one"); },
      onTrailer: (trailers) => { seen.trailer = trailers.get("x-echo-one"); },
    };
    for await (const tick of trials.count({ count: 4 }, how)) heard.push(Number(tick.number));
    return { heard, ...seen };
  },
  async "failure in the middle"({ trials }) {
    const heard = [];
    try {
      for await (const tick of trials.count({ count: 2, failWith: 9, message: "so — it", details: [0, 3] })) {
        heard.push(Number(tick.number));
      }
    } catch (error) {
      return { heard, ...told(error) };
    }
    return { heard };
  },
  async "messages come one by one"({ trials }) {
    const gone = new AbortController();
    try {
      for await (const tick of trials.count({ count: 1000, delayMs: 50 }, { signal: gone.signal })) {
        if (tick.number === 3n) gone.abort();
      }
    } catch (error) {
      return told(error).code;
    }
    return "never cut";
  },
  async "deadline of a stream"({ trials, kind }) {
    const headers = kind.includes("grpc") ? { "grpc-timeout": "300m" } : { "connect-timeout-ms": "300" };
    for await (const _ of trials.count({ count: 1000, delayMs: 100 }, { headers }));
  },
};

const CLIENT_STREAMS = {
  async "client stream"({ trials }) {
    const total = await trials.sum(ticks([1, 2, 39]));
    return { sum: Number(total.sum), count: Number(total.count) };
  },
  async "client stream that fails"({ trials }) {
    async function* bad() {
      yield { number: 1n };
      yield { failWith: 10 };
    }
    await trials.sum(bad());
  },
  async conversation({ trials }) {
    return conversation(trials);
  },
  async "conversation that fails"({ trials }) {
    const heard = [];
    async function* bad() {
      yield { number: 1n };
      yield { failWith: 10 };
    }
    try {
      for await (const tick of trials.bounce(bad())) heard.push(Number(tick.number));
    } catch (error) {
      return { heard, ...told(error) };
    }
    return { heard };
  },
};

/** Rejects after a while: one that hangs is told by its name, and the others are tried all the same. */
function patience(seconds) {
  return new Promise((_, reject) => { setTimeout(() => reject(new Error(`no end after ${seconds} s`)), seconds * 1000); });
}

async function tried(attempt, clients) {
  try {
    return { value: await Promise.race([attempt(clients), patience(45)]) };
  } catch (error) {
    return { error: told(error) };
  }
}

function clientsOf(transport) {
  return { trials: createClient(Trials, transport), library: createClient(Library, transport) };
}

async function all(kind, transport, cases) {
  const found = {};
  for (const [name, attempt] of Object.entries(cases)) found[name] = await tried(attempt, { kind, ...clientsOf(transport) });
  return [kind, found];
}

const small = Object.entries(TRANSPORTS).map(([kind, transport]) => {
  const cases = { ...UNARY, ...SERVER_STREAMS, ...(kind.startsWith("connect-node") ? CLIENT_STREAMS : {}) };
  return all(kind, transport, cases);
});
const results = Object.fromEntries(await Promise.all(small));
for (const [kind, transport] of Object.entries(TRANSPORTS)) Object.assign(results[kind], (await all(kind, transport, LARGE))[1]);
process.stdout.write(JSON.stringify(results), () => process.exit(0));
