// Inputs for google.protobuf's types that have a JSON form of their own.

import { useState } from "preact/hooks";

import { type Json, parse, print } from "./json";

interface Props { id: string; short: string; value: Json | undefined; onChange: (value: Json | undefined) => void }

const FORMS: Record<string, { hint: string; form: RegExp; wrong: string }> = {
  Timestamp: { hint: "2026-01-31T12:00:00Z", form: /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/, wrong: "write it like 2026-01-31T12:00:00Z" },
  Duration: { hint: "1.5s", form: /^-?\d+(\.\d{1,9})?s$/, wrong: "seconds with an s, like 1.5s" },
  FieldMask: { hint: "name,address.city", form: /^([\w.]+(,[\w.]+)*)?$/, wrong: "paths with commas between" },
};

export function WellKnownInput(props: Props) {
  const { id, short, value, onChange } = props;
  const text = FORMS[short];
  if (!text) return short === "Empty" ? <EmptyInput {...props} /> : <JsonInput {...props} />;
  const shown = typeof value === "string" ? value : "";
  const wrong = shown !== "" && !text.form.test(shown);
  return (
    <span class="held">
      <input id={id} value={shown} placeholder={text.hint} aria-invalid={wrong} spellcheck={false} autocomplete="off"
        onInput={(event) => onChange(event.currentTarget.value || undefined)} />
      {short === "Timestamp" && <button type="button" class="add" onClick={() => onChange(new Date().toISOString())}>now</button>}
      {wrong && <em class="wrong">{text.wrong}</em>}
    </span>
  );
}

function EmptyInput({ id, value, onChange }: Props) {
  return <input id={id} type="checkbox" class="switch" checked={value !== undefined} onChange={(event) => onChange(event.currentTarget.checked ? {} : undefined)} />;
}

const HINTS: Record<string, string> = {
  Struct: '{"any": "object"}', Value: "any JSON", ListValue: '["any", "list"]',
  Any: '{"@type": "type.googleapis.com/package.Message"}',
};

function JsonInput({ id, short, value, onChange }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const read = (text: string): { value?: Json; wrong: string } => {
    if (!text.trim()) return { wrong: "" };
    try {
      return { value: parse(text), wrong: "" };
    } catch (error) {
      return { wrong: error instanceof Error ? error.message : "not JSON" };
    }
  };
  const printed = value === undefined ? "" : print(value);
  const mine = typed === null ? null : read(typed);
  // While it is no JSON it stays here, and the message as it was.
  const stays = mine !== null && (mine.wrong !== "" || JSON.stringify(mine.value) === JSON.stringify(value));
  const shown = stays && typed !== null ? typed : printed;
  const wrong = stays ? mine?.wrong : "";
  return (
    <span class="held">
      <textarea id={id} class="code" rows={Math.min(8, shown.split("\n").length)} value={shown} placeholder={HINTS[short] ?? ""} aria-invalid={Boolean(wrong)} spellcheck={false}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          const next = read(event.currentTarget.value);
          if (!next.wrong) onChange(next.value);
        }} />
      {wrong && <em class="wrong">{wrong}</em>}
    </span>
  );
}
