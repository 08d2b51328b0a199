// The one quiet bar at the bottom left: what was just done, and for some seconds a way back.
export interface Status {
  text: string;
  undo?: () => void | Promise<void>;
  loss?: boolean; // it went wrong
}

const SHOWN = 8000;

let shown = $state.raw<Status | undefined>();
let timer: ReturnType<typeof setTimeout> | undefined;

export function status(): Status | undefined {
  return shown;
}

// say shows what was done for eight seconds; what went wrong stays until it is closed.
export function say(text: string, undo?: () => void | Promise<void>): void {
  show({ text, undo });
  timer = setTimeout(hush, SHOWN);
}

// sayLoss shows what went wrong.
export function sayLoss(text: string): void {
  show({ text, loss: true });
}

export function hush(): void {
  clearTimeout(timer);
  shown = undefined;
}

function show(s: Status): void {
  clearTimeout(timer);
  shown = s;
}
