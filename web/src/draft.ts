// What a user has prepared for a method: kept while the page is open, so that going elsewhere loses nothing.

import { computed, signal } from "@preact/signals";

import type { Call, Pairs } from "./call";
import { keyOf, type Place } from "./catalog";
import { isObject, type JsonObject, parse, print } from "./json";

export class Draft {
  /** The JSON is the truth; the form is a view of it. */
  readonly text = signal("{}");
  readonly tab = signal<"form" | "json" | "metadata" | "code">("form");
  readonly metadata = signal<Pairs>([]);
  readonly timeout = signal("");
  readonly defaults = signal(false);
  readonly binding = signal(0);
  readonly call = signal<Call | null>(null);
  readonly parsed = computed<{ value: JsonObject; error: string }>(() => {
    try {
      const value = parse(this.text.value);
      return isObject(value) ? { value, error: "" } : { value: {}, error: "A message is a JSON object: { … }" };
    } catch (error) {
      return { value: {}, error: error instanceof Error ? error.message : String(error) };
    }
  });

  set(value: JsonObject): void {
    this.text.value = print(value);
  }
}

const drafts = new Map<string, Draft>();

export function draftOf(place: Place): Draft {
  const key = keyOf(place);
  let draft = drafts.get(key);
  if (!draft) {
    draft = new Draft();
    draft.timeout.value = place.method.clientStreaming || place.method.serverStreaming ? "" : "15";
    drafts.set(key, draft);
  }
  return draft;
}
