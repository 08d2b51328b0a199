// Where the page is: path and query of the address, as state. Links are plain <a href>; a click on one of this app's is taken
// here instead of loading a page.

let at = $state.raw(new URL(location.href));
let base = "/";
let guard: (() => boolean) | undefined;

// path is the address below the app's base, "/accounts".
export function path(): string {
  const p = at.pathname;
  return p.startsWith(base) ? "/" + p.slice(base.length).replace(/^\/+|\/+$/g, "") : "/";
}

// query gives one value of the address's query, "" where it is absent.
export function query(name: string): string {
  return at.searchParams.get(name) ?? "";
}

// queries gives all values of a name.
export function queries(name: string): string[] {
  return at.searchParams.getAll(name);
}

// href is the address of a path of this app.
export function href(to: string): string {
  return base.replace(/\/$/, "") + to;
}

// withQuery is the present address with some values changed; undefined or "" takes one away.
export function withQuery(changes: Record<string, string | string[] | undefined>): string {
  const next = new URL(at);
  for (const [name, value] of Object.entries(changes)) {
    next.searchParams.delete(name);
    for (const v of Array.isArray(value) ? value : [value]) if (v) next.searchParams.append(name, v);
  }
  return next.pathname + next.search;
}

// go moves to an address of this app. With replace the browser's back button doesn't come here again.
export function go(to: string, replace = false): void {
  const next = new URL(to, location.href);
  if (guard && next.pathname !== at.pathname && !guard()) return;
  if (next.href === at.href) return;
  if (replace) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
  if (next.pathname !== at.pathname) scrollTo(0, 0);
  at = next;
}

// setQuery changes values of the query.
export function setQuery(changes: Record<string, string | string[] | undefined>, replace = false): void {
  go(withQuery(changes), replace);
}

// keepFrom asks before another path is gone to: for forms with something unsaved. The answer ends it.
export function keepFrom(leaving: () => boolean): () => void {
  guard = leaving;
  return () => {
    if (guard === leaving) guard = undefined;
  };
}

// startRouter begins to follow clicks and the browser's buttons, for addresses below a base such as "/panel/".
export function startRouter(below: string): void {
  base = below;
  addEventListener("popstate", () => (at = new URL(location.href)));
  document.addEventListener("click", (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const link = (e.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(base)) return;
    e.preventDefault();
    go(link.href);
  });
}
