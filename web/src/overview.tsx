// The start: each server at a glance, what the marks mean, and what to do where something is missing.

import { catalog, keyOf, type Upstream } from "./catalog";
import { Glyph, kindOf } from "./glyphs";
import { addressOf, lost } from "./route";

const SHAPES = [[false, false], [false, true], [true, false], [true, true]] as const;
const MOST_SHOWN = 60;

export function Overview() {
  const all = catalog.value?.upstreams ?? [];
  return (
    <main class="overview" aria-label="Overview">
      {lost.value && catalog.value && <p class="notice warn">This method is not there (any more). Choose another on the left.</p>}
      {catalog.value && !all.length && <p class="notice warn">There is no gRPC server to show. Start with one: <code>isthmus run 127.0.0.1:50051</code></p>}
      {all.map((upstream) => <Server key={upstream.name} upstream={upstream} />)}
      <ul class="legend" aria-label="What the marks mean">
        {SHAPES.map(([clientStreaming, serverStreaming]) => (
          <li key={`${clientStreaming}${serverStreaming}`}><Glyph shape={{ clientStreaming, serverStreaming }} /> {kindOf({ clientStreaming, serverStreaming })}</li>
        ))}
        <li><kbd>?</kbd> keys</li>
      </ul>
    </main>
  );
}

/** `1 service`, `2 services`. */
function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function Server({ upstream }: { upstream: Upstream }) {
  const methods = upstream.services.reduce((sum, service) => sum + service.methods.length, 0);
  return (
    <section class="server" aria-label={upstream.name}>
      <h1><span class={`dot ${upstream.ready && !upstream.stale ? "good" : "bad"}`} />{upstream.name}</h1>
      <p class="quiet">{upstream.state}{upstream.ready ? ` · ${counted(upstream.services.length, "service")}, ${counted(methods, "method")}` : ""}</p>
      {!upstream.ready && (
        <p class="notice warn">Its methods are not known yet. If the server is down, this page goes on when it is back. If it has no
          reflection, give its description: <code>--protoset FILE</code> or <code>--proto FILE -I DIR</code>.</p>
      )}
      {upstream.problems.length > 0 && (
        <details><summary>{counted(upstream.problems.length, "thing")} of its schema cannot be used</summary><ul>{upstream.problems.slice(0, 50).map((each) => <li key={each}>{each}</li>)}</ul></details>
      )}
      {upstream.services.slice(0, MOST_SHOWN).map((service) => (
        <div class="service" key={service.name}>
          <h2>{service.name}</h2>
          {service.doc && <p class="doc">{service.doc}</p>}
          <ul>{service.methods.slice(0, MOST_SHOWN).map((method) => {
            const to = { upstream, service, method };
            return <li key={keyOf(to)}><a href={addressOf(to)} class={method.deprecated ? "deprecated" : undefined}><Glyph shape={method} />{method.name}</a></li>;
          })}</ul>
        </div>
      ))}
    </section>
  );
}
