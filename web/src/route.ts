// The page's address: #/SERVER/package.Service/Method. Each method has its own, to be kept and passed on.

import { computed, signal } from "@preact/signals";

import { keyOf, type Place, places } from "./catalog";

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const place = computed<Place | null>(() => {
  const key = hash.value.replace(/^#\//, "");
  return places.value.find((each) => keyOf(each) === key) ?? null;
});

/** A method is asked for that is not there. */
export const lost = computed(() => hash.value.length > 2 && !place.value);

export const addressOf = (to: Place): string => `#/${keyOf(to)}`;

export function go(to: Place): void {
  location.hash = addressOf(to);
}
