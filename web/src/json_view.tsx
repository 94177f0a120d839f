// JSON to look at: coloured, unless it is too large for that.

import type { ComponentChildren } from "preact";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)/g;
const MOST_COLOURED = 60_000;

export function JsonView({ text, label }: { text: string; label: string }) {
  return (
    <pre class="json" tabIndex={0} aria-label={label}>
      {text.length > MOST_COLOURED ? text : coloured(text)}
    </pre>
  );
}

function coloured(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, found.index));
    const [whole, quoted, colon, number] = found;
    if (quoted && colon !== undefined) parts.push(<span class="j-key">{quoted}</span>, colon);
    else parts.push(<span class={quoted ? "j-text" : number ? "j-number" : "j-word"}>{whole}</span>);
    end = (found.index ?? 0) + whole.length;
  }
  parts.push(text.slice(end));
  return parts;
}
