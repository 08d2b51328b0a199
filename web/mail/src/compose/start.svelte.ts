// How writing begins: what is asked for waits here until the part of the program that composes is loaded.
import type { Address, Id } from "../jmap/types.ts";

export type Kind = "reply" | "all" | "forward";

// Start is what somebody wants to write.
export type Start =
  | { kind: "new"; to?: Address[]; subject?: string; text?: string }
  | { kind: "mailto"; url: string }
  | { kind: Kind; id: Id } // of a message
  | { kind: "attach"; id: Id } // a message as an attachment
  | { kind: "draft"; id: Id } // a draft that is kept on the server
  | { kind: "again"; id: Id } // a message of one's own as the beginning of a new one
  | { kind: "rescued"; kept: unknown }; // what was being written when the browser ended

let wanted = $state.raw<Start[]>([]);

export function compose(start: Start): void {
  wanted = [...wanted, start];
}

// composing are those that wait.
export function composing(): Start[] {
  return wanted;
}

// takeStarts gives those that wait, once.
export function takeStarts(): Start[] {
  const list = wanted;
  wanted = [];
  return list;
}

export function replyTo(id: Id, kind: Kind): void {
  compose({ kind, id });
}

export function openDraft(id: Id): void {
  compose({ kind: "draft", id });
}
