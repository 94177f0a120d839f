// The page: starts listening to the server, lays the parts out, and takes the keys that work everywhere.

import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { catalog, follow, keyOf, places, trouble } from "./catalog";
import { toast } from "./clipboard";
import { draftOf } from "./draft";
import { MethodPage, proceed } from "./method";
import { Overview } from "./overview";
import { go, place } from "./route";
import { Sidebar } from "./sidebar";
import "./base.css";
import "./page.css";

const KEYS: [string, string][] = [
  ["/", "search"], ["↑ ↓ ← →", "move in the tree"], ["Enter", "open a method"], ["j  k", "next, previous method"],
  ["Ctrl Enter", "call, or send the next message"], ["Escape", "cancel the call"], ["?", "these keys"],
];

function App() {
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => onKey(event, help.current);
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const here = place.value;
  return (
    <>
      <Sidebar />
      <div class="rest">
        {trouble.value && <p class="notice bad banner" role="alert">{trouble.value}</p>}
        {here ? <MethodPage key={keyOf(here)} place={here} /> : catalog.value ? <Overview /> : <main class="overview"><p class="quiet">Reading the services…</p></main>}
      </div>
      <button type="button" class="help" aria-label="keys" onClick={() => help.current?.showModal()}>?</button>
      <dialog ref={help} aria-label="Keys">
        <h2>Keys</h2>
        <dl>{KEYS.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
        <form method="dialog"><button class="main">Close</button></form>
      </dialog>
      <div class={`toast ${toast.value ? "shown" : ""}`} role="status">{toast.value}</div>
    </>
  );
}

function onKey(event: KeyboardEvent, help: HTMLDialogElement | null): void {
  const here = place.value;
  if (help?.open) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && here) {
    event.preventDefault();
    proceed(here, draftOf(here));
    return;
  }
  if (event.key === "Escape" && here) draftOf(here).call.value?.cancel();
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  }
  if (event.key === "?") help?.showModal();
  if (event.key === "j" || event.key === "k") {
    const all = places.value;
    const at = here ? all.findIndex((each) => keyOf(each) === keyOf(here)) : event.key === "j" ? -1 : all.length;
    const next = all[at + (event.key === "j" ? 1 : -1)];
    if (next) go(next);
  }
}

follow();
render(<App />, document.getElementById("app") as HTMLElement);
