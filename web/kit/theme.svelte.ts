// Light or dark: as the system, or as chosen in this browser.
export type Theme = "system" | "light" | "dark";

const KEPT = "tegami.theme";

let current = $state<Theme>((localStorage.getItem(KEPT) as Theme | null) ?? "system");

export function theme(): Theme {
  return current;
}

// setTheme chooses, and keeps it in this browser.
export function setTheme(to: Theme): void {
  current = to;
  if (to === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, to);
  applyTheme();
}

// applyTheme puts the choice onto the page, where tokens.css looks for it.
export function applyTheme(): void {
  if (current === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = current;
}
