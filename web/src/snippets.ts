// The same call for a terminal or a program: curl over REST, grpcurl, Python.

import type { Pairs } from "./call";
import type { Binding, Field, MessageType, Method, Types } from "./catalog";
import { isObject, type Json, type JsonObject, sample } from "./json";

export interface Wanted { method: Method; types: Types; value: JsonObject; metadata: Pairs; timeout: number | null; url: string }

const quote = (text: string): string => (/^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const named = (metadata: Pairs): Pairs => metadata.filter(([key]) => key);

const VARIABLES = /\{([^=}]+)(?:=([^}]+))?\}/g;

/** A sample whose fields have the form that the paths want, those of the chosen rule above all. */
export function sampleFor(method: Method, types: Types, chosen?: Binding): JsonObject {
  const made = sample(method.input, types);
  for (const { template } of [...method.bindings, ...(chosen ? [chosen] : [])]) {
    for (const [, path = "", pattern = "*"] of template.matchAll(VARIABLES)) {
      if (pattern === "*" || pattern === "**") continue;
      put(made, path.trim().split("."), pattern.replaceAll("**", "a/b").replaceAll("*", "1"), method.input, types);
    }
  }
  return made;
}

/** What keeps a message from being sent by a rule: fields of its path that are empty or have another form. */
export function misfits({ method, types, value }: Wanted, binding: Binding): string[] {
  const left = structuredClone(value);
  return [...binding.template.matchAll(VARIABLES)].flatMap(([, path = "", pattern = "*"]) => {
    const found = taken(left, path.trim().split("."), method.input, types);
    if (found === undefined) return [`${path} is empty, and the path of this rule needs it.`];
    if (pattern === "*" || pattern === "**") return [];
    const form = pattern.replace(/[.+?^$(){}|[\]\\]/g, "\\$&").replace(/\*\*|\*/g, (star) => (star === "*" ? "[^/]+" : ".*"));
    return new RegExp(`^${form}$`).test(String(found)) ? [] : [`This rule takes ${path} only in the form ${pattern}.`];
  });
}

export function curl(wanted: Wanted, binding: Binding): string {
  const left = structuredClone(wanted.value);
  const fill = (_all: string, path: string, pattern?: string): string => {
    const value = taken(left, path.trim().split("."), wanted.method.input, wanted.types);
    if (value === undefined) return `{${path}}`;
    const text = encodeURIComponent(String(value));
    return pattern && /\/|\*\*/.test(pattern) ? text.replaceAll("%2F", "/") : text;
  };
  let url = wanted.url.replace(/\/$/, "") + binding.template.replace(VARIABLES, fill);
  const body = binding.body === "*" ? left : binding.body ? of(left, binding.body, wanted) : undefined;
  if (binding.body !== "*") {
    const rest = Object.entries(left).filter(([name]) => !binding.body || name !== jsonName(binding.body, wanted));
    const query = rest.flatMap(([name, value]) => flat(name, value));
    if (query.length) url += `?${new URLSearchParams(query)}`;
  }
  const verb = binding.verb === "*" ? "POST" : binding.verb.toUpperCase();
  const parts = [`curl -X ${verb} ${quote(url)}`];
  for (const [key, value] of named(wanted.metadata)) parts.push(`-H ${quote(`${key}: ${value}`)}`);
  if (body !== undefined) parts.push("-H 'content-type: application/json'", `-d ${quote(JSON.stringify(body))}`);
  if (wanted.method.serverStreaming) parts.push("-N -H 'accept: application/x-ndjson'");
  if (wanted.timeout) parts.push(`--max-time ${wanted.timeout}`);
  return parts.join(" \\\n  ");
}

export function grpcurl(wanted: Wanted): string {
  const url = new URL(wanted.url);
  const plain = url.protocol === "http:";
  const parts = [`grpcurl ${plain ? "-plaintext " : ""}-d ${quote(JSON.stringify(wanted.value))}`];
  for (const [key, value] of named(wanted.metadata)) parts.push(`-H ${quote(`${key}: ${value}`)}`);
  if (wanted.timeout) parts.push(`-max-time ${wanted.timeout}`);
  parts.push(`${address(url)} ${wanted.method.path.slice(1)}`);
  return parts.join(" \\\n  ");
}

export function python(wanted: Wanted): string {
  const { method, metadata, timeout } = wanted;
  const url = new URL(wanted.url);
  const channel =
    url.protocol === "http:" ? `grpc.insecure_channel("${address(url)}")`
    : `grpc.secure_channel("${address(url)}", grpc.ssl_channel_credentials())`;
  const shape = `${method.clientStreaming ? "stream" : "unary"}_${method.serverStreaming ? "stream" : "unary"}`;
  const pairs = named(metadata).map(([key, value]) =>
    key.endsWith("-bin") ? `(${literal(key)}, base64.b64decode(${literal(value)}))` : `(${literal(key)}, ${literal(value)})`);
  const binary = named(metadata).some(([key]) => key.endsWith("-bin"));
  const options = [
    pairs.length ? `metadata=[${pairs.join(", ")}]` : "",
    timeout ? `timeout=${timeout}` : "",
  ].filter(Boolean);
  const show = "print(json_format.MessageToJson(REPLY, descriptor_pool=pool))";
  return [
    "# pip install grpcio grpcio-reflection",
    ...(binary ? ["import base64", ""] : []),
    "import grpc",
    "from google.protobuf import json_format",
    "from google.protobuf.descriptor_pool import DescriptorPool",
    "from google.protobuf.message_factory import GetMessageClass",
    "from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase",
    "",
    `with ${channel} as channel:`,
    "    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))",
    `    Request = GetMessageClass(pool.FindMessageTypeByName("${method.input}"))`,
    `    Reply = GetMessageClass(pool.FindMessageTypeByName("${method.output}"))`,
    `    request = json_format.Parse(${literal(JSON.stringify(wanted.value))}, Request(), descriptor_pool=pool)`,
    `    call = channel.${shape}("${method.path}", Request.SerializeToString, Reply.FromString)`,
    `    answer = call(${[method.clientStreaming ? "iter([request])" : "request", ...options].join(", ")})`,
    ...(method.serverStreaming
      ? ["    for reply in answer:", `        ${show.replace("REPLY", "reply")}`]
      : [`    ${show.replace("REPLY", "answer")}`]),
    "",
  ].join("\n");
}

/** Strings of JSON are strings of Python too. */
const literal = (text: string): string => JSON.stringify(text);

const address = (url: URL): string => `${url.hostname}:${url.port || (url.protocol === "http:" ? "80" : "443")}`;

const fieldOf = (name: string, message: string, types: Types): Field | undefined =>
  (types[message] as MessageType | undefined)?.fields.find((field) => field.name === name || field.json === name);

const jsonName = (name: string, wanted: Wanted): string =>
  fieldOf(name, wanted.method.input, wanted.types)?.json ?? name;

const of = (value: JsonObject, name: string, wanted: Wanted): Json => value[jsonName(name, wanted)] ?? {};

/** Replace the text at a field path, where the message has one. */
function put(value: JsonObject, path: string[], text: string, message: string, types: Types): void {
  const [name = "", ...rest] = path;
  const field = fieldOf(name, message, types);
  const found = field && value[field.json];
  if (rest.length && isObject(found)) put(found, rest, text, field?.of ?? "", types);
  else if (!rest.length && field && typeof found === "string") value[field.json] = text;
}

/** Take the value at a field path out of a message. */
function taken(value: JsonObject, path: string[], message: string, types: Types): Json | undefined {
  const [name = "", ...rest] = path;
  const field = fieldOf(name, message, types);
  const key = field?.json ?? name;
  const found = value[key];
  if (!rest.length) {
    delete value[key];
    return found === "" ? undefined : found;
  }
  if (!isObject(found)) return undefined;
  const inner = taken(found, rest, field?.of ?? "", types);
  if (!Object.keys(found).length) delete value[key];
  return inner;
}

function flat(name: string, value: Json): Pairs {
  if (Array.isArray(value)) return value.flatMap((each) => flat(name, each));
  if (isObject(value)) return Object.entries(value).flatMap(([key, inner]) => flat(`${name}.${key}`, inner));
  return value === null ? [] : [[name, String(value)]];
}
