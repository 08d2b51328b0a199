// What a browser remembers of how somebody likes a screen.

// kept gives the names that were kept under a name; otherwise what is usual.
export function kept(name: string, usual: string[]): string[] {
  try {
    const have: unknown = JSON.parse(localStorage.getItem("tegami." + name) ?? "null");
    return Array.isArray(have) ? have.filter((k): k is string => typeof k === "string") : usual;
  } catch {
    return usual; // somebody else wrote it, or nothing may be kept
  }
}

export function keep(name: string, names: string[]): void {
  try {
    localStorage.setItem("tegami." + name, JSON.stringify(names));
  } catch {
    // without room, or forbidden: it holds as long as the page
  }
}
