// Copying, and saying that it was done.

import { signal } from "@preact/signals";

export const toast = signal("");
let hide = 0;

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.value = `${what} copied`;
  } catch {
    toast.value = "The browser does not let this page copy: select the text instead.";
  }
  clearTimeout(hide);
  hide = window.setTimeout(() => { toast.value = ""; }, 2500);
}
