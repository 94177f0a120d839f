// JSON values of protobuf messages: reading without losing large numbers, first values, samples.

import type { EnumType, Field, MessageType, Types } from "./catalog";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Integers that JavaScript would round stay as text, which protobuf's JSON takes as well. Throws SyntaxError. */
export function parse(text: string): Json {
  const keep = (_key: string, value: Json, context?: { source?: string }): Json =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? context.source
      : value;
  return JSON.parse(text.trim() || "{}", keep as (key: string, value: Json) => Json) as Json;
}

export const print = (value: Json): string => JSON.stringify(value, null, 2);

const WRAPPERS: Record<string, string> = {
  DoubleValue: "double", FloatValue: "float", Int64Value: "int64", UInt64Value: "uint64", Int32Value: "int32",
  UInt32Value: "uint32", BoolValue: "bool", StringValue: "string", BytesValue: "bytes",
};

/** The short name of a google.protobuf type that has a JSON form of its own; otherwise empty. */
export function wellKnown(name: string): string {
  const short = name.startsWith("google.protobuf.") ? name.slice(16) : "";
  const own = ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any", "Empty"];
  return own.includes(short) || short in WRAPPERS ? short : "";
}

/** The scalar in a google.protobuf wrapper; otherwise empty. */
export const wrapped = (name: string): string => WRAPPERS[wellKnown(name)] ?? "";

export const isWide = (type: string): boolean => type === "int64" || type === "uint64";

/** What a field holds when it is added to a list or map, or chosen. */
export function first(field: Field, types: Types): Json {
  if (field.type === "enum") return (types[field.of] as EnumType).values[0]?.name ?? 0;
  if (field.type !== "message") return scalar(field.type);
  const short = wellKnown(field.of);
  if (short === "Timestamp") return new Date().toISOString();
  if (short === "Duration") return "0s";
  if (short === "FieldMask") return "";
  if (short === "ListValue") return [];
  if (short === "Value") return null;
  if (short === "Any") return { "@type": "" };
  return wrapped(field.of) ? scalar(wrapped(field.of)) : {};
}

function scalar(type: string): Json {
  if (type === "bool") return false;
  if (type === "string" || type === "bytes") return "";
  return isWide(type) ? "0" : 0;
}

/** A message with something in every field, one of each oneof, and recursion stopped. */
export function sample(name: string, types: Types, above: string[] = []): JsonObject {
  const message = types[name] as MessageType | undefined;
  const result: JsonObject = {};
  const chosen = new Set<string>();
  for (const field of message?.fields ?? []) {
    if (field.deprecated || (field.oneof && chosen.has(field.oneof))) continue;
    if (field.type === "message" && [...above, name].includes(field.of)) continue;
    if (field.oneof) chosen.add(field.oneof);
    const value = sampleOf(field, types, [...above, name]);
    if (field.key) result[field.json] = { [sampleKey(field.key)]: value };
    else result[field.json] = field.repeated ? [value] : value;
  }
  return result;
}

function sampleOf(field: Field, types: Types, above: string[]): Json {
  if (field.type === "enum") {
    const values = (types[field.of] as EnumType).values;
    return (values[1] ?? values[0])?.name ?? 0;
  }
  if (field.type === "message") {
    const short = wellKnown(field.of);
    if (!short) return above.length > 4 ? {} : sample(field.of, types, above);
    if (short === "Duration") return "1.5s";
    if (short === "Struct" || short === "Value") return { key: "value" };
    if (short === "ListValue") return ["value"];
    if (short === "Any") return { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" };
    return wrapped(field.of) ? sampleScalar(wrapped(field.of), field.name) : first(field, types);
  }
  return sampleScalar(field.type, field.name);
}

function sampleScalar(type: string, name: string): Json {
  if (type === "bool") return true;
  if (type === "bytes") return btoa("bytes");
  if (type !== "string") return isWide(type) ? "1" : 1;
  if (/e?mail/i.test(name)) return "ada@example.com";
  if (/(^|_)name$/i.test(name)) return "World";
  if (/(^|_)ur[il]$/i.test(name)) return "https://example.com/";
  return /(^|_)id$/i.test(name) ? "1" : name;
}

const sampleKey = (type: string): string => (type === "string" ? "key" : type === "bool" ? "true" : "1");
