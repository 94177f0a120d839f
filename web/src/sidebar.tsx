// Left: search, the tree of servers, services and methods, and the history.

import { computed, signal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { catalog, keyOf, type Place, places, type Service, type Upstream } from "./catalog";
import { draftOf } from "./draft";
import { Glyph, Mark } from "./glyphs";
import { forget, history, type Past } from "./history";
import { addressOf, go, place } from "./route";

const MOST_FOUND = 200;
const OPEN_UP_TO = 80; // methods; with more, services start closed

export const search = signal("");
const tab = signal<"methods" | "history">("methods");
const toggled = signal<ReadonlySet<string>>(new Set());
const focused = signal("");

interface Row { id: string; level: number; upstream: Upstream; service?: Service; place?: Place; open?: boolean }

const found = computed<Set<string> | null>(() => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const hits = places.value.filter(({ method }) => {
    const text = `${method.path} ${method.doc} ${method.bindings.map((each) => each.template).join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return new Set(hits.slice(0, MOST_FOUND).map(keyOf));
});

const rows = computed<Row[]>(() => {
  const all = catalog.value?.upstreams ?? [];
  const many = all.length > 1;
  return all.flatMap((upstream) => {
    const inner = upstream.services.flatMap((service) => rowsOf(upstream, service, many ? 1 : 0));
    if (found.value && !inner.length) return [];
    return many ? [{ id: upstream.name, level: 0, upstream }, ...inner] : inner;
  });
});

function rowsOf(upstream: Upstream, service: Service, level: number): Row[] {
  const id = `${upstream.name} ${service.name}`;
  const methods = service.methods.map((method) => ({ upstream, service, method }));
  const shown = found.value ? methods.filter((each) => found.value?.has(keyOf(each))) : methods;
  if (found.value && !shown.length) return [];
  const open = found.value !== null || isOpen(id, methods);
  const below = shown.map((each) => ({ id: keyOf(each), level: level + 1, upstream, service, place: each }));
  return [{ id, level, upstream, service, open }, ...(open ? below : [])];
}

function isOpen(id: string, methods: Place[]): boolean {
  const start = places.value.length <= OPEN_UP_TO || methods.some((each) => place.value && keyOf(each) === keyOf(place.value));
  return toggled.value.has(id) ? !start : start;
}

function toggle(id: string): void {
  const next = new Set(toggled.value);
  if (!next.delete(id)) next.add(id);
  toggled.value = next;
}

export function Sidebar() {
  return (
    <aside class="side">
      <header>
        <a class="brand" href="#/"><Mark /><span>Isthmus</span></a>
        <a class="link" href="openapi">OpenAPI</a>
      </header>
      <input id="search" type="search" placeholder="Search  /" aria-label="Search methods" value={search.value} spellcheck={false} autocomplete="off"
        onInput={(event) => { search.value = event.currentTarget.value; tab.value = "methods"; }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); focusFirst(event.key === "Enter"); }
          if (event.key === "Escape") search.value = "";
        }} />
      <div class="tabs" role="tablist" aria-label="Methods or history">
        {(["methods", "history"] as const).map((each) => (
          <button type="button" role="tab" key={each} aria-selected={tab.value === each} onClick={() => { tab.value = each; }}>
            {each === "methods" ? "Methods" : `History${history.value.length ? ` ${history.value.length}` : ""}`}
          </button>
        ))}
      </div>
      {tab.value === "methods" ? <Tree /> : <HistoryList />}
    </aside>
  );
}

function focusFirst(open: boolean): void {
  const row = rows.value.find((each) => each.place);
  if (row?.place && open) go(row.place);
  if (row) focus(row.id);
}

function focus(id: string): void {
  focused.value = id;
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.tree [tabindex="0"]')?.focus());
}

function Tree() {
  const box = useRef<HTMLUListElement>(null);
  const all = rows.value;
  const current = place.value ? keyOf(place.value) : "";
  const stop = all.some((row) => row.id === focused.value) ? focused.value : (all.find((row) => row.id === current) ?? all[0])?.id;
  if (!all.length) return <p class="quiet pad">{search.value ? `Nothing matches “${search.value}”.` : "No methods yet."}</p>;
  return (
    <ul class="tree" role="tree" aria-label="Methods" ref={box} onKeyDown={(event) => move(event, all, stop ?? "")}>
      {all.map((row) => (
        <li role="treeitem" key={row.id} aria-level={row.level + 1} aria-expanded={row.service && !row.place ? row.open : undefined}
          aria-selected={row.id === current} tabIndex={row.id === stop ? 0 : -1} class={`row-${row.place ? "method" : row.service ? "service" : "upstream"}`}
          style={{ paddingLeft: `${12 + row.level * 14}px` }} onClick={() => { focused.value = row.id; act(row); }}>
          <RowText row={row} />
        </li>
      ))}
      {found.value && found.value.size >= MOST_FOUND && <li role="none" class="quiet pad">Only the first {MOST_FOUND} are shown: type more.</li>}
    </ul>
  );
}

function RowText({ row }: { row: Row }) {
  if (row.place) {
    const { method } = row.place;
    return <><Glyph shape={method} /><span class={method.deprecated ? "deprecated" : undefined}>{method.name}</span></>;
  }
  if (row.service) {
    const dot = row.service.name.lastIndexOf(".");
    return <><span class="twist" aria-hidden="true">{row.open ? "▾" : "▸"}</span><span>{row.service.name.slice(dot + 1)}<small>{row.service.name.slice(0, Math.max(0, dot))}</small></span></>;
  }
  return <><span class={`dot ${row.upstream.ready && !row.upstream.stale ? "good" : "bad"}`} /><span>{row.upstream.name}<small>{row.upstream.state}</small></span></>;
}

function act(row: Row): void {
  if (row.place) go(row.place);
  else if (row.service) toggle(row.id);
}

function move(event: KeyboardEvent, all: Row[], at: string): void {
  const index = all.findIndex((row) => row.id === at);
  const row = all[index];
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  const parent = all.slice(0, index).findLast((each) => each.level < row.level);
  const steps: Record<string, () => void> = {
    ArrowDown: () => focus(all[Math.min(all.length - 1, index + 1)]?.id ?? at),
    ArrowUp: () => (index ? focus(all[index - 1]?.id ?? at) : document.getElementById("search")?.focus()),
    Home: () => focus(all[0]?.id ?? at),
    End: () => focus(all.at(-1)?.id ?? at),
    ArrowRight: () => (row.open === false ? toggle(row.id) : focus(all[index + 1]?.id ?? at)),
    ArrowLeft: () => (row.open ? toggle(row.id) : parent && focus(parent.id)),
    Enter: () => act(row),
    " ": () => act(row),
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  step();
}

function HistoryList() {
  if (!history.value.length) return <p class="quiet pad">Calls you make are listed here, in this browser only.</p>;
  return (
    <div class="past">
      <ul>
        {history.value.map((past) => <PastRow key={past.at} past={past} />)}
      </ul>
      <button type="button" class="add" onClick={forget}>Forget all</button>
    </div>
  );
}

function PastRow({ past }: { past: Past }) {
  const there = places.value.find((each) => each.upstream.name === past.upstream && each.method.path === past.path);
  const restore = () => {
    if (!there) return;
    const draft = draftOf(there);
    draft.text.value = past.text;
    draft.metadata.value = past.metadata;
    draft.tab.value = "form";
  };
  const name = past.path.split("/").pop();
  return (
    <li>
      <a href={there ? addressOf(there) : undefined} aria-disabled={!there} title={there ? past.text : "this method is gone"} onClick={restore}>
        <span class={`dot ${past.code === "OK" ? "good" : "bad"}`} />
        <span>{name}<small>{past.code} · {Math.round(past.ms)} ms · {new Date(past.at).toLocaleTimeString()}</small></span>
      </a>
    </li>
  );
}
