// Inputs for scalars. Text that is no such number stays in the JSON, marked, and is refused by name when it is sent.

import { useState } from "preact/hooks";

import type { EnumType, Types } from "./catalog";
import { isWide, type Json } from "./json";

interface Props {
  id: string; type: string; of: string; types: Types; value: Json | undefined;
  onChange: (value: Json | undefined) => void; optional: boolean;
}

export function ScalarInput(props: Props) {
  const { id, type, value, onChange, optional } = props;
  if (type === "bool") return <BoolInput {...props} />;
  if (type === "enum") return <EnumInput {...props} />;
  if (type === "bytes") return <BytesInput {...props} />;
  if (type !== "string") return <NumberInput key={id} {...props} />;
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  return (
    <span class="held">
      <textarea id={id} rows={1} value={text} placeholder={optional && value === undefined ? "not set" : ""} spellcheck={false}
        onInput={(event) => onChange(event.currentTarget.value || (optional ? "" : undefined))} />
      {optional && value !== undefined && <Clear onClick={() => onChange(undefined)} />}
    </span>
  );
}

function Clear({ onClick }: { onClick: () => void }) {
  return <button type="button" class="remove" onClick={onClick} aria-label="leave it unset" title="leave it unset">×</button>;
}

function BoolInput({ id, value, onChange, optional }: Props) {
  if (!optional) {
    return <input id={id} type="checkbox" class="switch" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked || undefined)} />;
  }
  return (
    <select id={id} value={value === undefined ? "" : String(value)}
      onChange={(event) => onChange(event.currentTarget.value ? event.currentTarget.value === "true" : undefined)}>
      <option value="">not set</option>
      <option value="true">true</option>
      <option value="false">false</option>
    </select>
  );
}

function EnumInput({ id, of, types, value, onChange, optional }: Props) {
  const values = (types[of] as EnumType | undefined)?.values ?? [];
  const zero = optional ? undefined : values[0]?.name;
  const name = typeof value === "number" ? values.find((each) => each.number === value)?.name : value;
  return (
    <select id={id} value={typeof name === "string" ? name : (zero ?? "")}
      onChange={(event) => onChange(event.currentTarget.value === (zero ?? "") ? undefined : event.currentTarget.value)}>
      {optional && <option value="">not set</option>}
      {values.map((each) => <option key={each.name} value={each.name} title={each.doc}>{each.name}</option>)}
    </select>
  );
}

function BytesInput({ id, value, onChange, optional }: Props) {
  const text = typeof value === "string" ? value : "";
  const wrong = !/^[\w+/-]*={0,2}$/.test(text);
  const pick = async (file: File | undefined) => {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    onChange(btoa(binary));
  };
  return (
    <span class="held bytes">
      <textarea id={id} rows={1} value={text} placeholder="base64" aria-invalid={wrong} spellcheck={false}
        onInput={(event) => onChange(event.currentTarget.value || (optional ? "" : undefined))} />
      <label class="file">file<input type="file" aria-label="take the bytes of a file" onChange={(event) => void pick(event.currentTarget.files?.[0])} /></label>
      {wrong && <em class="wrong">not base64</em>}
    </span>
  );
}

const RANGES: Record<string, [bigint, bigint]> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n], uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n], uint64: [0n, 2n ** 64n - 1n],
};

/** What is wrong with it, in a few words. */
function wrongNumber(text: string, type: string): string {
  const range = RANGES[type];
  if (!range) return /^(-?Infinity|NaN)$/.test(text) || (text.trim() && Number.isFinite(Number(text))) ? "" : "not a number";
  if (!/^-?\d+$/.test(text)) return "not a whole number";
  const number = BigInt(text);
  return number < range[0] || number > range[1] ? `${type} goes from ${range[0]} to ${range[1]}` : "";
}

function NumberInput({ id, type, value, onChange, optional }: Props) {
  const [typed, setTyped] = useState("");
  const read = (text: string): Json | undefined => {
    if (text === "") return undefined;
    if (wrongNumber(text, type)) return text;
    return isWide(type) || /^(-?Infinity|NaN)$/.test(text) ? text : Number(text);
  };
  // What was typed stays as it was (1.0, 1e3) while it means what the message holds.
  const means = (text: string): Json | undefined => (read(text) === 0 && !optional ? undefined : read(text));
  const shown = typed && means(typed) === value ? typed : value === undefined || value === null ? "" : String(value);
  const wrong = shown && wrongNumber(shown, type);
  return (
    <span class="held">
      <input id={id} class="number" inputMode="decimal" value={shown} placeholder={optional ? "not set" : "0"} aria-invalid={Boolean(wrong)} spellcheck={false} autocomplete="off"
        onInput={(event) => {
          setTyped(event.currentTarget.value.trim());
          onChange(means(event.currentTarget.value.trim()));
        }} />
      {wrong && <em class="wrong">{wrong}</em>}
    </span>
  );
}
