// Swagger UI on the generated OpenAPI. Requests that are tried go by way of the explorer's own server, as the gateway
// is another origin; the lines shown to copy have the gateway's address.

import "swagger-ui-dist/swagger-ui.css";
import "./base.css";
import "./openapi.css";
import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-bundle.js";

import type { Catalog } from "./catalog";

interface Request { url: string; headers: Record<string, string>; loadSpec?: boolean }

async function main(): Promise<void> {
  const catalog = (await (await fetch("/_isthmus/api/catalog")).json()) as Catalog;
  const ready = catalog.upstreams.filter((each) => each.ready);
  const box = document.getElementById("swagger") as HTMLElement;
  if (!ready.length) {
    box.textContent = "No server's schema is known yet. Reload when it is.";
    return;
  }
  const choice = document.getElementById("upstream") as HTMLSelectElement;
  for (const each of ready) choice.add(new Option(each.name));
  const wanted = new URLSearchParams(location.search).get("server");
  if (wanted && ready.some((each) => each.name === wanted)) choice.value = wanted;
  (document.getElementById("choice") as HTMLElement).hidden = ready.length < 2;
  choice.onchange = () => { location.search = `?${new URLSearchParams({ server: choice.value })}`; };
  const address = `/_isthmus/api/openapi.json?${new URLSearchParams({ upstream: choice.value })}`;
  (document.getElementById("download") as HTMLAnchorElement).href = address;
  SwaggerUIBundle({
    url: address,
    domNode: box,
    deepLinking: true,
    validatorUrl: null,
    showMutatedRequest: false,
    filter: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    requestInterceptor: (request: Request) => {
      const there = catalog.publicUrl.replace(/\/$/, "");
      if (!request.loadSpec && request.url.startsWith(there)) {
        request.url = `${location.origin}/_isthmus/try${request.url.slice(there.length)}`;
        request.headers["X-Isthmus-Explorer"] = "1";
      }
      return request;
    },
  });
}

main().catch((error: unknown) => {
  (document.getElementById("swagger") as HTMLElement).textContent = `The document cannot be read: ${error}`;
});
