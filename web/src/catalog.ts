// What there is to call, as src/isthmus/edge/explorer/describe.py says it, kept fresh by the server's events.

import { computed, signal } from "@preact/signals";

export interface Binding { verb: string; template: string; body: string; responseBody: string; source: string }
export interface Method {
  name: string; path: string; input: string; output: string; clientStreaming: boolean; serverStreaming: boolean;
  doc: string; deprecated: boolean; idempotency: string; bindings: Binding[];
}
export interface Service { name: string; doc: string; methods: Method[] }
export interface Upstream {
  name: string; state: string; stale: boolean; digest: string; ready: boolean; services: Service[]; problems: string[];
}
export interface Catalog { version: string; publicUrl: string; upstreams: Upstream[] }

export interface Field {
  name: string; json: string; doc: string; repeated: boolean; optional: boolean; required: boolean; deprecated: boolean;
  oneof: string; type: string; of: string; key?: string;
}
export interface MessageType { kind: "message"; doc: string; fields: Field[] }
export interface EnumType { kind: "enum"; doc: string; values: { name: string; number: number; doc: string }[] }
export type Types = Record<string, MessageType | EnumType>;

/** A method where it is: with its server and service. */
export interface Place { upstream: Upstream; service: Service; method: Method }

export const catalog = signal<Catalog | null>(null);
/** Why the explorer itself does not answer; empty while it does. */
export const trouble = signal("");

export const places = computed<Place[]>(() =>
  (catalog.value?.upstreams ?? []).flatMap((upstream) =>
    upstream.services.flatMap((service) => service.methods.map((method) => ({ upstream, service, method }))),
  ),
);

export const keyOf = (place: Place): string => `${encodeURIComponent(place.upstream.name)}${place.method.path}`;

/** Listen for changes, for as long as the page lives. EventSource tries again by itself. */
export function follow(): void {
  const events = new EventSource("api/events");
  events.onmessage = (event) => {
    if (event.data !== catalog.value?.version || trouble.value) void refresh();
  };
  events.onerror = () => {
    trouble.value = "The explorer does not answer. Is isthmus still running? This page goes on by itself when it is back.";
  };
}

async function refresh(): Promise<void> {
  try {
    catalog.value = (await ask("api/catalog")) as Catalog;
    trouble.value = "";
  } catch (error) {
    trouble.value = `The list of services cannot be read: ${error instanceof Error ? error.message : error}`;
  }
}

const loaded = new Map<string, Promise<Types>>();

/** The types that a method's messages lead to; asked for once as long as the schema is the same. */
export function typesOf(place: Place): Promise<Types> {
  const key = `${place.upstream.digest} ${place.upstream.name} ${place.method.path}`;
  let found = loaded.get(key);
  if (!found) {
    const query = new URLSearchParams({ upstream: place.upstream.name, method: place.method.path });
    found = ask(`api/types?${query}`).then((answer) => (answer as { types: Types }).types);
    found.catch(() => loaded.delete(key));
    loaded.set(key, found);
  }
  return found;
}

async function ask(path: string): Promise<unknown> {
  const response = await fetch(path);
  const answer = (await response.json().catch(() => ({}))) as { error?: string };
  if (!response.ok) throw new Error(answer.error ?? `${response.status} ${response.statusText}`);
  return answer;
}
