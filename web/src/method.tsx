// One method: what it is, what to send, what came back.

import { useEffect, useState } from "preact/hooks";

import { Call } from "./call";
import { type Binding, catalog, type Place, type Types, typesOf } from "./catalog";
import { type Draft, draftOf } from "./draft";
import { Glyph, kindOf } from "./glyphs";
import { remember } from "./history";
import { RequestTabs } from "./request";
import { ResponseView } from "./response";

export function MethodPage({ place }: { place: Place }) {
  const draft = draftOf(place);
  const [loaded, setLoaded] = useState<{ digest: string; types?: Types; error?: string }>({ digest: "" });
  useEffect(() => {
    let here = true;
    typesOf(place).then(
      (types) => here && setLoaded({ digest: place.upstream.digest, types }),
      (error: unknown) => here && setLoaded({ digest: "", error: String(error) }),
    );
    return () => { here = false; };
  }, [place.upstream.digest, place.method.path]);
  return (
    <main class="method" aria-label={place.method.name}>
      <Title place={place} draft={draft} />
      <div class="panes">
        <section class="pane request" aria-label="Request">
          {loaded.types ? <RequestTabs place={place} draft={draft} types={loaded.types} />
            : <p class="quiet pad">{loaded.error ? `The types cannot be read. ${loaded.error}` : "Reading the types…"}</p>}
          <Actions place={place} draft={draft} />
        </section>
        <section class="pane response" aria-label="Response">
          <ResponseView call={draft.call.value} method={place.method} />
        </section>
      </div>
    </main>
  );
}

function Title({ place, draft }: { place: Place; draft: Draft }) {
  const { method, upstream, service } = place;
  return (
    <header class="title">
      <p class="crumb">{catalog.value && catalog.value.upstreams.length > 1 ? `${upstream.name} / ` : ""}{service.name}</p>
      <h1>
        <Glyph shape={method} />
        <span class={method.deprecated ? "deprecated" : undefined}>{method.name}</span>
        <small>{kindOf(method)}</small>
        {method.deprecated && <span class="tag">deprecated</span>}
        {method.idempotency === "no_side_effects" && <span class="tag calm">changes nothing</span>}
        {method.idempotency === "idempotent" && <span class="tag calm">idempotent</span>}
      </h1>
      {method.doc && <p class="doc">{method.doc}</p>}
      <p class="types"><code>{method.input}</code> → <code>{method.output}</code></p>
      <ul class="bindings" aria-label="HTTP mapping">
        {method.bindings.map((binding, index) => (
          <li key={index}>
            <button type="button" aria-pressed={draft.binding.value === index} onClick={() => { draft.binding.value = index; }}
              title="take this one for the curl line"><Rule binding={binding} /></button>
          </li>
        ))}
      </ul>
      {upstream.stale && <p class="notice warn">{upstream.name}: {upstream.state}. What you see is its last known schema.</p>}
    </header>
  );
}

function Rule({ binding }: { binding: Binding }) {
  return (
    <>
      <b class={`verb ${binding.verb.toLowerCase()}`}>{binding.verb}</b>
      <code>{binding.template.split(/(\{[^}]*\})/).map((part) => (part.startsWith("{") ? <var>{part}</var> : part))}</code>
      {binding.body && <small>body {binding.body === "*" ? "all" : binding.body}</small>}
      {binding.responseBody && <small>answer {binding.responseBody}</small>}
    </>
  );
}

/** Start a call; without client streaming its one message goes with it. */
export function start(place: Place, draft: Draft): Call {
  const text = draft.text.value;
  const metadata = draft.metadata.value.filter(([key]) => key);
  const timeout = Number(draft.timeout.value) || null;
  const at = Date.now();
  const call = new Call(place, { metadata, timeout, defaults: draft.defaults.value }, (ended) => {
    const status = ended.status.value;
    remember({
      at, upstream: place.upstream.name, path: place.method.path, text, metadata,
      code: status?.name ?? "not made", ms: status?.at ?? performance.now() - ended.began,
    });
  });
  draft.call.value = call;
  return call;
}

/** The one thing that Ctrl+Enter does: call, or send the next message. */
export function proceed(place: Place, draft: Draft): void {
  const running = draft.call.value?.open.value ? draft.call.value : null;
  if (draft.parsed.value.error) {
    draft.tab.value = "json";
    return;
  }
  if (running && !place.method.clientStreaming) return;
  if (running?.ended.value) return;
  const call = running ?? start(place, draft);
  call.send(draft.text.value);
  if (!place.method.clientStreaming) call.end();
}

function Actions({ place, draft }: { place: Place; draft: Draft }) {
  const call = draft.call.value;
  const open = call?.open.value ?? false;
  const streams = place.method.clientStreaming;
  const wrong = draft.parsed.value.error;
  return (
    <footer class="actions">
      {(!open || streams) && (
        <button type="button" class="main" disabled={open && call?.ended.value} onClick={() => proceed(place, draft)} title="Ctrl+Enter">
          {streams ? (open ? "Send message" : "Open and send") : "Call"}
        </button>
      )}
      {streams && !open && <button type="button" onClick={() => start(place, draft)}>Open only</button>}
      {streams && open && <button type="button" disabled={call?.ended.value} onClick={() => call?.end()}>{call?.ended.value ? "Half-closed" : "Half-close"}</button>}
      {open && <button type="button" class="stop" onClick={() => call?.cancel()} title="Escape">Cancel</button>}
      <span class="gap" />
      {wrong ? <span class="wrong" role="alert">JSON: {wrong}</span> : (
        <>
          <label class="small">deadline <input class="deadline" inputMode="decimal" value={draft.timeout.value} placeholder="none" aria-label="deadline in seconds"
            onInput={(event) => { draft.timeout.value = event.currentTarget.value; }} /> s</label>
          <label class="small" title="show fields of the answer that are not set"><input type="checkbox" checked={draft.defaults.value} onChange={(event) => { draft.defaults.value = event.currentTarget.checked; }} /> unset fields</label>
        </>
      )}
    </footer>
  );
}
