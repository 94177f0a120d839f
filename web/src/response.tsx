// What came back: a strip that shows the call in time, then its messages, headers and trailers, and how it ended.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Call, Entry, Pairs, Status } from "./call";
import type { Method } from "./catalog";
import { copy } from "./clipboard";
import { Glyph } from "./glyphs";
import { JsonView } from "./json_view";

export function ResponseView({ call, method }: { call: Call | null; method: Method }) {
  const streaming = method.clientStreaming || method.serverStreaming;
  if (!call) {
    return (
      <div class="empty">
        <Glyph shape={method} />
        <p>The answer appears here.<br /><kbd>Ctrl</kbd> <kbd>Enter</kbd> {streaming ? "opens the stream" : "calls"}.</p>
      </div>
    );
  }
  return <Ended call={call} streaming={streaming} />;
}

function Ended({ call, streaming }: { call: Call; streaming: boolean }) {
  const [tab, setTab] = useState<"messages" | "metadata">("messages");
  const status = call.status.value;
  const pairs = (call.headers.value?.metadata.length ?? 0) + (status?.trailers.length ?? 0);
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Response">
        <button type="button" role="tab" aria-selected={tab === "messages"} onClick={() => setTab("messages")}>{streaming ? "Messages" : "Answer"}</button>
        <button type="button" role="tab" aria-selected={tab === "metadata"} onClick={() => setTab("metadata")}>Headers &amp; trailers{pairs ? ` ${pairs}` : ""}</button>
        <span class="gap" />
        <Outcome call={call} />
      </div>
      <Strip call={call} />
      <div class="body" role="tabpanel" aria-label={tab}>
        {tab === "messages" ? <Messages call={call} streaming={streaming} /> : <MetadataView call={call} />}
      </div>
    </>
  );
}

function Outcome({ call }: { call: Call }) {
  const status = call.status.value;
  const { sent, received } = call.counts.value;
  const counts = sent + received > 2 ? <span class="counts"><i class="up">{sent}</i> <i class="down">{received}</i></span> : null;
  if (call.problem.value) return <strong class="status bad" role="status">not made</strong>;
  if (!status) return <>{counts}<strong class="status live" role="status">open</strong></>;
  return (
    <>
      {counts}
      <span class="time">{took(status.at)}</span>
      <strong class={`status ${status.code ? "bad" : "good"}`} role="status">{status.name.replaceAll("_", " ")}</strong>
    </>
  );
}

const took = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const sized = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`);

/** The call from left to right: ticks above are sent, ticks below received. */
function Strip({ call }: { call: Call }) {
  const [, redraw] = useState(0);
  const open = call.open.value;
  useEffect(() => {
    if (!open || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = setInterval(() => redraw((count) => count + 1), 250);
    return () => clearInterval(timer);
  }, [open, call]);
  const status = call.status.value;
  const end = Math.max(status?.at ?? performance.now() - call.began, call.entries.value.at(-1)?.at ?? 0, 0.1);
  const left = (at: number) => `${(Math.min(1, at / end) * 100).toFixed(2)}%`;
  const { sent, received } = call.counts.value;
  return (
    <div class={`strip ${status ? (status.code ? "bad" : "good") : call.problem.value ? "bad" : "live"}`} role="img"
      aria-label={`${sent} sent, ${received} received, ${status ? `${status.name} after ${took(status.at)}` : "still open"}`}>
      {call.headers.value && <i class="headers" style={{ left: left(call.headers.value.at) }} title={`headers ${took(call.headers.value.at)}`} />}
      {call.entries.value.map((each, index) => <i key={index} class={each.kind} style={{ left: left(each.at) }} />)}
    </div>
  );
}

function Messages({ call, streaming }: { call: Call; streaming: boolean }) {
  const bottom = useRef<HTMLDivElement>(null);
  const entries = call.entries.value;
  const status = call.status.value;
  useEffect(() => {
    if (streaming) bottom.current?.scrollIntoView({ block: "nearest" });
  }, [entries, status]);
  const shown = streaming ? entries : entries.filter((each) => each.kind !== "sent");
  return (
    <div class={streaming ? "talk" : "single"} role="log" aria-label="messages">
      {call.problem.value && <p class="notice bad">{call.problem.value}</p>}
      {call.dropped.value > 0 && <p class="quiet">{call.dropped.value} older messages are no longer shown.</p>}
      {shown.map((each, index) => <Card key={call.dropped.value + index} entry={each} streaming={streaming} />)}
      {status && (status.code > 0 || streaming) && <Ending status={status} />}
      <div ref={bottom} />
    </div>
  );
}

function Card({ entry, streaming }: { entry: Entry; streaming: boolean }) {
  const word = entry.kind === "invalid" ? "not sent" : entry.kind;
  const line = streaming ? inOneLine(entry.text) : "";
  return (
    <article class={`card ${entry.kind}`} aria-label={word}>
      <header class={line ? "line" : undefined}>
        <span class="way">{streaming ? word : ""}</span>
        {line && <JsonView text={line} label={`${word} message`} />}
        {entry.kind !== "invalid" && <span class="time">{took(entry.at)} · {sized(entry.size)}</span>}
        <button type="button" class="plain" onClick={() => void copy(entry.text, "JSON")}>copy</button>
      </header>
      {entry.note && <p class="notice warn">{entry.note}</p>}
      {!line && <JsonView text={entry.text} label={`${word} message`} />}
    </article>
  );
}

const LONGEST_LINE = 40;

/** A small message of a stream takes one line; empty if it does not fit. */
function inOneLine(text: string): string {
  const line = text.replace(/\n\s*/g, " ");
  return line.length <= LONGEST_LINE ? line : "";
}

function Ending({ status }: { status: Status }) {
  const hint = HINTS[status.name];
  return (
    <article class={`card ending ${status.code ? "bad" : "good"}`} aria-label="status">
      <h2>{status.name.replaceAll("_", " ")} <small>{status.code} · {took(status.at)}</small></h2>
      {status.message && <p class="said">{status.message}</p>}
      {hint && <p class="quiet">{hint}</p>}
      {status.details.map((detail, index) => <JsonView key={index} text={detail} label={`detail ${index}`} />)}
    </article>
  );
}

const HINTS: Record<string, string> = {
  UNAVAILABLE: "The server cannot be reached, or it ended the connection. Is it running?",
  DEADLINE_EXCEEDED: "The deadline passed first. Set a longer one, or none.",
  UNIMPLEMENTED: "The server does not have this method, though its schema names it.",
  UNAUTHENTICATED: "The server wants credentials: add them under Metadata.",
  PERMISSION_DENIED: "The server knows who asks, and refuses. Other credentials may help.",
};

function MetadataView({ call }: { call: Call }) {
  return (
    <>
      <PairsView title="Headers" pairs={call.headers.value?.metadata ?? []} />
      <PairsView title="Trailers" pairs={call.status.value?.trailers ?? []} />
    </>
  );
}

function PairsView({ title, pairs }: { title: string; pairs: Pairs }) {
  return (
    <section class="pairs" aria-label={title}>
      <h2>{title}</h2>
      {pairs.length ? <dl>{pairs.map(([key, value], index) => <div key={index}><dt>{key}</dt><dd>{value}</dd></div>)}</dl> : <p class="quiet">none</p>}
    </section>
  );
}
