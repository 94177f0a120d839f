// Calls made before, in this browser only. Values of metadata that look secret are never kept.

import { signal } from "@preact/signals";

import type { Pairs } from "./call";

export interface Past {
  at: number; upstream: string; path: string; text: string; metadata: Pairs; code: string; ms: number;
}

const KEY = "isthmus.history";
const MOST = 50;
const MOST_TEXT = 20_000;
const SECRET = /auth|cookie|token|secret|passw|key|session|credential|jwt|signature|bearer/i;
const SECRET_VALUE = /^(bearer|basic|digest|negotiate)\s|^eyJ[\w-]+\./i;

export const history = signal<Past[]>(read());

export function remember(past: Past): void {
  if (past.text.length > MOST_TEXT) return;
  save([{ ...past, metadata: withoutSecrets(past.metadata) }, ...history.value].slice(0, MOST));
}

export const forget = (): void => save([]);

const withoutSecrets = (metadata: Pairs): Pairs =>
  metadata.map(([key, value]) => [key, SECRET.test(key) || SECRET_VALUE.test(value) ? "" : value]);

function read(): Past[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? (kept as Past[]) : [];
  } catch {
    return [];
  }
}

function save(all: Past[]): void {
  history.value = all;
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // Full, or not allowed: the history then lasts as long as the page.
  }
}
