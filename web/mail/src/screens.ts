// The screens beside mail itself: the first part of the address, and what is loaded when it is first gone to.
import BookUser from "@lucide/svelte/icons/book-user";
import CalendarClock from "@lucide/svelte/icons/calendar-clock";
import ShieldX from "@lucide/svelte/icons/shield-x";
import Settings from "@lucide/svelte/icons/settings";
import type { Component } from "svelte";
import { freshCount, hasQuarantine } from "./quarantine/box.svelte.ts";

export interface Screen {
  name: string; // the first part of the path
  label: string; // a key of the catalogue
  icon: Component<{ size?: number; "aria-hidden"?: "true" }>;
  nav: boolean; // stands in the navigation
  there?: () => boolean; // false: the server has nothing to show on it
  count?: () => number; // of what is new there
  load: () => Promise<{ default: Component }>;
}

export const screens: Screen[] = [
  { name: "scheduled", label: "webmail.box.scheduled", icon: CalendarClock, nav: false, load: () => import("./Scheduled.svelte") },
  { name: "contacts", label: "webmail.contacts.title", icon: BookUser, nav: true, load: () => import("./contacts/Contacts.svelte") },
  { name: "quarantine", label: "webmail.quarantine.title", icon: ShieldX, nav: true, there: hasQuarantine, count: freshCount, load: () => import("./quarantine/Quarantine.svelte") },
  { name: "settings", label: "webmail.settings.title", icon: Settings, nav: true, load: () => import("./settings/Settings.svelte") },
];
