// The marks that stand for the four kinds of methods: above what goes out, below what comes back; dots are a stream.

import type { Method } from "./catalog";

type Shape = Pick<Method, "clientStreaming" | "serverStreaming">;

export function kindOf(shape: Shape): string {
  if (shape.clientStreaming && shape.serverStreaming) return "bidirectional stream";
  if (shape.clientStreaming) return "client stream";
  return shape.serverStreaming ? "server stream" : "unary";
}

export function Glyph({ shape }: { shape: Shape }) {
  return (
    <svg class="glyph" viewBox="0 0 22 14" role="img" aria-label={kindOf(shape)}>
      <title>{kindOf(shape)}</title>
      <path class="out" d="M1 4H17" stroke-dasharray={shape.clientStreaming ? "0.1 4" : undefined} />
      <path class="out" d="M17.5 1.5 20.5 4l-3 2.5" />
      <path class="back" d="M21 10H5" stroke-dasharray={shape.serverStreaming ? "0.1 4" : undefined} />
      <path class="back" d="M4.5 7.5 1.5 10l3 2.5" />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="sea" />
      <path d="M0 9c6 0 7 5 16 5s10-5 16-5v14c-6 0-7-5-16-5S6 23 0 23z" class="land" />
    </svg>
  );
}
