// What to send: a form and the JSON behind it, metadata, and the same call as code.

import { useState } from "preact/hooks";

import { catalog, type Place, type Types } from "./catalog";
import { copy } from "./clipboard";
import type { Draft } from "./draft";
import { MessageForm } from "./form";
import { curl, grpcurl, misfits, python, sampleFor, type Wanted } from "./snippets";

interface Props { place: Place; draft: Draft; types: Types }

const TABS = { form: "Form", json: "JSON", metadata: "Metadata", code: "Code" } as const;

export function RequestTabs(props: Props) {
  const { draft, place, types } = props;
  const tab = draft.tab.value;
  const count = draft.metadata.value.filter(([key]) => key).length;
  const keys = Object.keys(TABS) as (keyof typeof TABS)[];
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    draft.tab.value = keys[(keys.indexOf(tab) + by + keys.length) % keys.length] ?? "form";
    requestAnimationFrame(() => document.querySelector<HTMLElement>(".request [role=tab][aria-selected=true]")?.focus());
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Request" onKeyDown={step}>
        {keys.map((each) => (
          <button type="button" role="tab" key={each} aria-selected={tab === each} tabIndex={tab === each ? 0 : -1} onClick={() => { draft.tab.value = each; }}>
            {TABS[each]}{each === "metadata" && count > 0 ? ` ${count}` : ""}
          </button>
        ))}
        <span class="gap" />
        <button type="button" class="plain" onClick={() => draft.set(sampleFor(place.method, types, place.method.bindings[draft.binding.value]))}>Sample</button>
        <button type="button" class="plain" onClick={() => draft.set({})}>Clear</button>
      </div>
      <div class="body" role="tabpanel" aria-label={TABS[tab]}>
        {tab === "form" && <FormTab {...props} />}
        {tab === "json" && <JsonTab draft={draft} />}
        {tab === "metadata" && <MetadataTab draft={draft} />}
        {tab === "code" && <CodeTab {...props} />}
      </div>
    </>
  );
}

function FormTab({ place, draft, types }: Props) {
  const { value, error } = draft.parsed.value;
  if (error) return <p class="notice warn">The JSON is not complete, so the form cannot show it: {error}</p>;
  return <MessageForm type={place.method.input} types={types} value={value} onChange={(to) => draft.set(to)} />;
}

function JsonTab({ draft }: { draft: Draft }) {
  return (
    <textarea class="code whole" aria-label="Request as JSON" value={draft.text.value} spellcheck={false}
      aria-invalid={Boolean(draft.parsed.value.error)} onInput={(event) => { draft.text.value = event.currentTarget.value; }} />
  );
}

function MetadataTab({ draft }: { draft: Draft }) {
  const pairs = draft.metadata.value;
  const put = (index: number, at: 0 | 1, to: string) => {
    draft.metadata.value = pairs.map(([key, value], each) => (each !== index ? [key, value] : at ? [key, to] : [to, value]));
  };
  return (
    <div class="form">
      {pairs.map(([key, value], index) => (
        <div class="item pair" key={index}>
          <input class="key" value={key} placeholder="authorization" aria-label={`metadata key ${index}`} spellcheck={false} autocomplete="off"
            onInput={(event) => put(index, 0, event.currentTarget.value)} />
          <input value={value} placeholder={key.endsWith("-bin") ? "base64" : "value"} aria-label={`metadata value ${index}`} spellcheck={false} autocomplete="off"
            onInput={(event) => put(index, 1, event.currentTarget.value)} />
          <button type="button" class="remove" aria-label={`remove metadata ${key}`} onClick={() => { draft.metadata.value = pairs.filter((_, each) => each !== index); }}>×</button>
        </div>
      ))}
      <button type="button" class="add" onClick={() => { draft.metadata.value = [...pairs, ["", ""]]; }}>+ add metadata</button>
      <p class="quiet">Values that look secret are sent, but never kept in the history. Keys that end in -bin take base64.</p>
    </div>
  );
}

const KINDS = ["curl", "grpcurl", "Python"] as const;

function CodeTab({ place, draft, types }: Props) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>("curl");
  const { method } = place;
  const wanted: Wanted = {
    method, types, value: draft.parsed.value.value, metadata: draft.metadata.value,
    timeout: Number(draft.timeout.value) || null, url: catalog.value?.publicUrl ?? "",
  };
  const binding = method.bindings[draft.binding.value] ?? method.bindings[0];
  const text = kind === "grpcurl" ? grpcurl(wanted) : kind === "Python" ? python(wanted) : binding ? curl(wanted, binding) : "";
  return (
    <div class="snippet">
      <div class="choices" role="group" aria-label="As">
        {KINDS.map((each) => <button type="button" key={each} aria-pressed={kind === each} onClick={() => setKind(each)}>{each}</button>)}
        <span class="gap" />
        <button type="button" class="main" onClick={() => void copy(text, kind)}>Copy</button>
      </div>
      <pre class="json" tabIndex={0} aria-label={`as ${kind}`}>{text}</pre>
      {kind === "curl" && binding && misfits(wanted, binding).map((each) => <p class="notice warn" key={each}>{each}</p>)}
      {kind === "curl" && method.clientStreaming && <p class="quiet">curl sends this one message; a live stream over HTTP needs grpcurl or Python.</p>}
      {kind === "curl" && method.bindings.length > 1 && <p class="quiet">Another HTTP rule can be chosen above.</p>}
    </div>
  );
}
