// One call over the server's WebSocket (frames: src/isthmus/edge/explorer/frames.py), as signals that the page shows.

import { signal } from "@preact/signals";

import type { Place } from "./catalog";

export type Pairs = [string, string][];
export interface Entry { kind: "sent" | "received" | "invalid"; text: string; size: number; at: number; note: string }
export interface Status { code: number; name: string; message: string; details: string[]; trailers: Pairs; at: number }
export interface Options { metadata: Pairs; timeout: number | null; defaults: boolean }

const MOST_ENTRIES = 500;

type Frame =
  | { type: "headers"; metadata: Pairs; at: number }
  | { type: "sent"; number: number; size: number; at: number }
  | { type: "invalid"; number: number; message: string }
  | { type: "message"; json: string; size: number; at: number; note?: string }
  | ({ type: "status" } & Status)
  | { type: "problem"; message: string };

export class Call {
  readonly open = signal(true);
  /** The page has said that it sends no more. */
  readonly ended = signal(false);
  readonly entries = signal<Entry[]>([]);
  /** How many entries were dropped from the front, to keep the page quick. */
  readonly dropped = signal(0);
  readonly headers = signal<{ metadata: Pairs; at: number } | null>(null);
  readonly status = signal<Status | null>(null);
  readonly problem = signal("");
  readonly counts = signal({ sent: 0, received: 0 });
  /** When frames came in, by this page's clock: the strip runs on while the call is open. */
  readonly began = performance.now();
  private readonly socket: WebSocket;
  private readonly texts: string[] = [];
  private waiting: Frame[] = [];
  private queue: string[] = [];

  constructor(place: Place, options: Options, private readonly whenDone: (call: Call) => void) {
    const url = new URL("api/call", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    this.socket = new WebSocket(url);
    this.queue.push(JSON.stringify({ type: "start", upstream: place.upstream.name, method: place.method.path, ...options }));
    this.socket.onopen = () => {
      for (const frame of this.queue) this.socket.send(frame);
      this.queue = [];
    };
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data as string) as Frame);
    this.socket.onclose = () => {
      this.apply();
      if (!this.status.value && !this.problem.value) {
        this.problem.value = "The connection to the explorer was lost before the call ended.";
      }
      this.open.value = false;
      this.whenDone(this);
    };
  }

  send(text: string): void {
    this.texts.push(text);
    this.tell({ type: "message", json: text });
  }

  end(): void {
    this.ended.value = true;
    this.tell({ type: "end" });
  }

  cancel(): void {
    this.tell({ type: "cancel" });
  }

  private tell(frame: object): void {
    const text = JSON.stringify(frame);
    if (this.socket.readyState === WebSocket.CONNECTING) this.queue.push(text);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** Frames of one moment are shown together: a fast stream must not freeze the page. */
  private take(frame: Frame): void {
    if (this.waiting.push(frame) === 1) setTimeout(() => this.apply(), 16);
  }

  private apply(): void {
    const frames = this.waiting;
    this.waiting = [];
    const added: Entry[] = [];
    const counts = { ...this.counts.value };
    for (const frame of frames) {
      if (frame.type === "headers") this.headers.value = frame;
      else if (frame.type === "status") this.status.value = frame;
      else if (frame.type === "problem") this.problem.value = frame.message;
      else {
        added.push(this.entry(frame));
        if (frame.type === "sent") counts.sent += 1;
        if (frame.type === "message") counts.received += 1;
      }
    }
    if (!added.length) return;
    const all = [...this.entries.value, ...added];
    this.dropped.value += Math.max(0, all.length - MOST_ENTRIES);
    this.entries.value = all.slice(-MOST_ENTRIES);
    this.counts.value = counts;
  }

  private entry(frame: Extract<Frame, { type: "sent" | "invalid" | "message" }>): Entry {
    if (frame.type === "message") {
      return { kind: "received", text: frame.json, size: frame.size, at: frame.at, note: frame.note ?? "" };
    }
    const text = this.texts[frame.number] ?? "";
    if (frame.type === "sent") return { kind: "sent", text, size: frame.size, at: frame.at, note: "" };
    return { kind: "invalid", text, size: 0, at: performance.now() - this.began, note: frame.message };
  }
}
