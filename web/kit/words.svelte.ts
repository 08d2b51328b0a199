// Words of the pages: t(key, …args) over the one catalogue (i18n/locales). The build puts the keys that the pages use into one
// chunk a language; only the one in use is loaded.

export type Lang = "ja" | "en";

type Words = Record<string, string>;

const KEPT = "tegami.lang";

let words = $state.raw<Words>({});
let current = $state<Lang>(kept());

// kept is the language chosen in this browser, or else the browser's own: Japanese unless it prefers English.
function kept(): Lang {
  const chosen = localStorage.getItem(KEPT);
  if (chosen === "ja" || chosen === "en") return chosen;
  const wish = navigator.languages.find((l) => /^(ja|en)\b/i.test(l));
  return wish?.toLowerCase().startsWith("en") ? "en" : "ja";
}

// lang is the language in use.
export function lang(): Lang {
  return current;
}

// loadWords fetches the words of a language and turns the page to it.
export async function loadWords(to: Lang = current): Promise<void> {
  const chunk = to === "ja" ? await import("virtual:words/ja") : await import("virtual:words/en");
  words = chunk.default;
  current = to;
  document.documentElement.lang = to;
}

// setLang turns the page to a language and keeps the choice in this browser.
export async function setLang(to: Lang): Promise<void> {
  localStorage.setItem(KEPT, to);
  await loadWords(to);
}

// t gives the text of a key with its {0}, {1} … filled in. An unknown key shows as itself; a test keeps that from happening.
export function t(key: string, ...args: (string | number)[]): string {
  const text = words[key];
  if (text === undefined) return key;
  if (args.length === 0) return text;
  return text.replace(/\{(\d)\}/g, (whole, n: string) => {
    const value = args[Number(n)];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(current) : value;
  });
}
