// The parts of the settings: the second part of the address, and what is loaded for it.
import Filter from "@lucide/svelte/icons/filter";
import FolderTree from "@lucide/svelte/icons/folder-tree";
import IdCard from "@lucide/svelte/icons/id-card";
import LayoutTemplate from "@lucide/svelte/icons/layout-template";
import PenLine from "@lucide/svelte/icons/pen-line";
import Plane from "@lucide/svelte/icons/plane";
import ShieldCheck from "@lucide/svelte/icons/shield-check";
import ShieldX from "@lucide/svelte/icons/shield-x";
import SlidersHorizontal from "@lucide/svelte/icons/sliders-horizontal";
import type { Component } from "svelte";
import { FILTER } from "../quarantine/types.ts";
import { OUR_RULES, SIEVE, SUBMISSION, VACATION } from "../jmap/types.ts";

export interface Part {
  name: string; // "" for the first one
  label: string; // a key of the catalogue
  icon: Component<{ size?: number; "aria-hidden"?: "true" }>;
  needs?: string[]; // one of these capabilities
  load: () => Promise<{ default: Component }>;
}

export const parts: Part[] = [
  { name: "", label: "webmail.settings.general", icon: SlidersHorizontal, load: () => import("./General.svelte") },
  { name: "writing", label: "webmail.settings.writing", icon: PenLine, load: () => import("./Writing.svelte") },
  { name: "identities", label: "webmail.settings.identities", icon: IdCard, needs: [SUBMISSION], load: () => import("./Identities.svelte") },
  { name: "filters", label: "webmail.settings.filters", icon: Filter, needs: [OUR_RULES, SIEVE], load: () => import("./Filters.svelte") },
  { name: "senders", label: "webmail.senders.title", icon: ShieldX, needs: [FILTER], load: () => import("./Senders.svelte") },
  { name: "vacation", label: "webmail.settings.vacation", icon: Plane, needs: [VACATION], load: () => import("./Vacation.svelte") },
  { name: "folders", label: "webmail.settings.folders", icon: FolderTree, load: () => import("./Folders.svelte") },
  { name: "templates", label: "webmail.settings.templates", icon: LayoutTemplate, load: () => import("./Templates.svelte") },
  { name: "security", label: "webmail.settings.security", icon: ShieldCheck, load: () => import("./Security.svelte") },
];
