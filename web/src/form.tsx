// A form for a message, made from its descriptor: rows for fields, lists, maps, choices of oneofs, nested messages.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

import type { Field, MessageType, Types } from "./catalog";
import { ScalarInput } from "./inputs";
import { first, isObject, type Json, type JsonObject, wellKnown, wrapped } from "./json";
import { WellKnownInput } from "./wellknown";

interface MessageProps { type: string; types: Types; value: JsonObject; onChange: (value: JsonObject) => void }

export function MessageForm({ type, types, value, onChange }: MessageProps) {
  const message = types[type] as MessageType | undefined;
  if (!message) return <p class="quiet">The schema has no type {type}: write JSON instead.</p>;
  if (!message.fields.length) return <p class="quiet">{type} has no fields: nothing to fill in.</p>;
  const set = (field: Field, to: Json | undefined, clear: Field[] = []) => {
    const next = { ...value };
    for (const each of [...clear, field]) {
      delete next[each.json];
      delete next[each.name];
    }
    if (to !== undefined) next[field.json] = to;
    onChange(next);
  };
  const shown = new Set<string>();
  return (
    <div class="form">
      {message.fields.map((field) => {
        if (!field.oneof) {
          return <FieldRow key={field.name} field={field} types={types} value={held(value, field)} onChange={(to) => set(field, to)} />;
        }
        if (shown.has(field.oneof)) return null;
        shown.add(field.oneof);
        const members = message.fields.filter((each) => each.oneof === field.oneof);
        return <Choice key={field.oneof} name={field.oneof} members={members} types={types} value={value} set={set} />;
      })}
    </div>
  );
}

const held = (value: JsonObject, field: Field): Json | undefined => value[field.json] ?? value[field.name] ?? (field.json in value ? null : undefined);

interface RowProps { field: Field; types: Types; value: Json | undefined; onChange: (value: Json | undefined) => void }

function FieldRow(props: RowProps) {
  const { field } = props;
  if (field.key) return <MapRow {...props} keyType={field.key} />;
  if (field.repeated) return <ListRow {...props} />;
  if (field.type === "message" && !wellKnown(field.of)) return <NestedRow {...props} />;
  const id = useId();
  return (
    <div class="row">
      <Label field={field} id={id} />
      <One {...props} id={id} optional={field.optional} />
    </div>
  );
}

function Label({ field, id, children }: { field: Field; id?: string; children?: ComponentChildren }) {
  const type = field.type === "message" || field.type === "enum" ? field.of.split(".").pop() : field.type;
  return (
    <div class="label">
      <label for={id} id={id && `${id}-label`} class={field.deprecated ? "deprecated" : undefined}>{field.json}</label>
      {field.required && <span class="required" title="required">required</span>}
      {field.deprecated && <span class="tag">deprecated</span>}
      <span class="type">{field.key ? `map<${field.key}, ${type}>` : field.repeated ? `${type}[]` : type}</span>
      {children}
      {field.doc && <p class="doc">{field.doc}</p>}
    </div>
  );
}

/** One value: of a field, an element of a list, or a map's entry. */
function One({ field, types, value, onChange, id, optional }: RowProps & { id: string; optional: boolean }) {
  if (field.type !== "message") {
    return <ScalarInput id={id} type={field.type} of={field.of} types={types} value={value} onChange={onChange} optional={optional} />;
  }
  if (wrapped(field.of)) {
    return <ScalarInput id={id} type={wrapped(field.of)} of="" types={types} value={value ?? undefined} onChange={onChange} optional />;
  }
  if (wellKnown(field.of)) return <WellKnownInput id={id} short={wellKnown(field.of)} value={value} onChange={onChange} />;
  return <MessageForm type={field.of} types={types} value={isObject(value) ? value : {}} onChange={onChange} />;
}

function NestedRow({ field, types, value, onChange }: RowProps) {
  if (value === undefined || value === null) {
    return (
      <div class="row">
        <Label field={field} />
        <button type="button" class="add" onClick={() => onChange({})} aria-label={`add ${field.json}`}>+ add {field.json}</button>
      </div>
    );
  }
  return (
    <fieldset class="nest">
      <legend>
        <Label field={field}>
          <Remove what={field.json} onClick={() => onChange(undefined)} />
        </Label>
      </legend>
      <MessageForm type={field.of} types={types} value={isObject(value) ? value : {}} onChange={onChange} />
    </fieldset>
  );
}

function ListRow({ field, types, value, onChange }: RowProps) {
  const id = useId();
  const items = Array.isArray(value) ? value : [];
  const give = (next: Json[]) => onChange(next.length ? next : undefined);
  return (
    <fieldset class="nest">
      <legend><Label field={field} /></legend>
      {items.map((item, index) => (
        <div class="item" key={index}>
          <label class="index" for={`${id}-${index}`}>{index}<span class="unseen"> of {field.json}</span></label>
          <One field={field} types={types} value={item} id={`${id}-${index}`} optional={false}
            onChange={(to) => give(items.map((each, at) => (at === index ? (to ?? first(field, types)) : each)))} />
          <Remove what={`${field.json} ${index}`} onClick={() => give(items.filter((_, at) => at !== index))} />
        </div>
      ))}
      <button type="button" class="add" onClick={() => give([...items, first(field, types)])} aria-label={`add to ${field.json}`}>+ add</button>
    </fieldset>
  );
}

function MapRow({ field, types, value, onChange, keyType }: RowProps & { keyType: string }) {
  const id = useId();
  const entries = isObject(value) ? Object.entries(value) : [];
  const give = (next: [string, Json][]) => onChange(next.length ? Object.fromEntries(next) : undefined);
  const free = () => {
    const start = keyType === "string" ? "key" : keyType === "bool" ? "true" : "1";
    for (let at = 1; ; at++) {
      const key = at === 1 ? start : keyType === "string" ? `key${at}` : keyType === "bool" ? "false" : String(at);
      if (!entries.some(([each]) => each === key) || (keyType === "bool" && at > 2)) return key;
    }
  };
  return (
    <fieldset class="nest">
      <legend><Label field={field} /></legend>
      {entries.map(([key, item], index) => (
        <div class="item pair" key={index}>
          <input class="key" value={key} aria-label={`key ${index} of ${field.json}`} spellcheck={false}
            onChange={(event) => give(entries.map((each, at) => (at === index ? [event.currentTarget.value, each[1]] : each)))} />
          <One field={field} types={types} value={item} id={`${id}-${index}`} optional={false}
            onChange={(to) => give(entries.map((each, at) => (at === index ? [each[0], to ?? first(field, types)] : each)))} />
          <Remove what={`${field.json} ${key}`} onClick={() => give(entries.filter((_, at) => at !== index))} />
        </div>
      ))}
      <button type="button" class="add" onClick={() => give([...entries, [free(), first(field, types)]])} aria-label={`add to ${field.json}`}>+ add</button>
    </fieldset>
  );
}

interface ChoiceProps {
  name: string; members: Field[]; types: Types; value: JsonObject;
  set: (field: Field, to: Json | undefined, clear?: Field[]) => void;
}

function Choice({ name, members, types, value, set }: ChoiceProps) {
  const id = useId();
  const chosen = members.find((field) => held(value, field) !== undefined);
  const choose = (to: string) => {
    const field = members.find((each) => each.name === to) ?? members[0];
    if (field) set(field, to ? first(field, types) : undefined, members);
  };
  return (
    <fieldset class="nest choice">
      <legend>
        <div class="label"><label for={id}>{name}</label><span class="type">one of</span></div>
      </legend>
      <select id={id} value={chosen?.name ?? ""} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">none</option>
        {members.map((field) => <option key={field.name} value={field.name}>{field.json}</option>)}
      </select>
      {chosen && (
        <FieldRow key={chosen.name} field={chosen} types={types} value={held(value, chosen)}
          onChange={(to) => set(chosen, to ?? first(chosen, types), members)} />
      )}
    </fieldset>
  );
}

function Remove({ what, onClick }: { what: string; onClick: () => void }) {
  return <button type="button" class="remove" onClick={onClick} aria-label={`remove ${what}`} title="remove">×</button>;
}
