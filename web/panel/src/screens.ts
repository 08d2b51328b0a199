// The screens: address, name, what right they need, where they stand in the navigation. Each is loaded when it is first gone to.
import Activity from "@lucide/svelte/icons/activity";
import AtSign from "@lucide/svelte/icons/at-sign";
import ChartColumn from "@lucide/svelte/icons/chart-column";
import BookUser from "@lucide/svelte/icons/book-user";
import Boxes from "@lucide/svelte/icons/boxes";
import Building2 from "@lucide/svelte/icons/building-2";
import CalendarDays from "@lucide/svelte/icons/calendar-days";
import FileText from "@lucide/svelte/icons/file-text";
import Forward from "@lucide/svelte/icons/forward";
import Gauge from "@lucide/svelte/icons/gauge";
import Globe from "@lucide/svelte/icons/globe";
import Image from "@lucide/svelte/icons/image";
import Inbox from "@lucide/svelte/icons/inbox";
import KeyRound from "@lucide/svelte/icons/key-round";
import ListChecks from "@lucide/svelte/icons/list-checks";
import ListTree from "@lucide/svelte/icons/list-tree";
import Lock from "@lucide/svelte/icons/lock";
import Logs from "@lucide/svelte/icons/logs";
import Mails from "@lucide/svelte/icons/mails";
import Network from "@lucide/svelte/icons/network";
import Route from "@lucide/svelte/icons/route";
import Scale from "@lucide/svelte/icons/scale";
import Server from "@lucide/svelte/icons/server";
import ShieldBan from "@lucide/svelte/icons/shield-ban";
import ShieldX from "@lucide/svelte/icons/shield-x";
import Ban from "@lucide/svelte/icons/ban";
import ShieldCheck from "@lucide/svelte/icons/shield-check";
import SlidersHorizontal from "@lucide/svelte/icons/sliders-horizontal";
import Upload from "@lucide/svelte/icons/upload";
import UserCog from "@lucide/svelte/icons/user-cog";
import Users from "@lucide/svelte/icons/users";
import UsersRound from "@lucide/svelte/icons/users-round";
import Webhook from "@lucide/svelte/icons/webhook";
import type { Component } from "svelte";

export interface Screen {
  path: string;
  label: string; // a key of the catalogue
  icon: Component<{ size?: number; "aria-hidden"?: "true" }>;
  group: "top" | "directory" | "mail" | "records" | "settings" | "platform" | "own";
  right: string;
  also?: string; // another right that is enough
  company: boolean; // it shows a company: an operator must have chosen one
  words?: string; // a key: what else it is found by
  load: () => Promise<{ default: Component }>;
}

export const groups: { id: Screen["group"]; label?: string }[] = [
  { id: "platform", label: "panel.nav.platform" },
  { id: "top" },
  { id: "directory", label: "panel.nav.directory" },
  { id: "mail", label: "panel.nav.mail" },
  { id: "records", label: "panel.nav.records" },
  { id: "settings", label: "panel.nav.settings" },
  { id: "own", label: "panel.nav.own" },
];

export const screens: Screen[] = [
  { path: "/overview", label: "panel.overview.title", icon: Gauge, group: "top", right: "overview.read", company: true, load: () => import("./screens/Overview.svelte") },
  { path: "/accounts", label: "panel.accounts.title", icon: Users, group: "directory", right: "accounts.read", company: true, load: () => import("./screens/Accounts.svelte") },
  { path: "/shared", label: "panel.shared.title", icon: Inbox, group: "directory", right: "accounts.read", company: true, load: () => import("./screens/Shared.svelte") },
  { path: "/import", label: "panel.import.title", icon: Upload, group: "directory", right: "accounts", company: true, also: "lists", load: () => import("./screens/Import.svelte") },
  { path: "/groups", label: "panel.groups.title", icon: UsersRound, group: "directory", right: "accounts.read", company: true, load: () => import("./screens/Groups.svelte") },
  { path: "/departments", label: "panel.departments.title", icon: Network, group: "directory", right: "accounts.read", company: true, load: () => import("./screens/Departments.svelte") },
  { path: "/gal", label: "panel.gal.title", icon: BookUser, group: "directory", right: "accounts.read", company: true, load: () => import("./screens/Gal.svelte") },
  { path: "/ldap", label: "panel.ldap.title", icon: Server, group: "directory", right: "accounts.read", company: true, words: "panel.ldap.lead", load: () => import("./screens/Ldap.svelte") },
  { path: "/lists", label: "panel.lists.title", icon: Mails, group: "mail", right: "lists.read", company: true, load: () => import("./screens/Lists.svelte") },
  { path: "/forwarding", label: "panel.forwarding.overview", icon: Forward, group: "mail", right: "accounts.read", company: true, load: () => import("./screens/Forwarding.svelte") },
  { path: "/filter", label: "panel.filter.title", icon: ShieldBan, group: "mail", right: "policy.read", company: true, words: "panel.filter.words", load: () => import("./screens/Filter.svelte") },
  { path: "/senders", label: "panel.senders.title", icon: Ban, group: "mail", right: "policy.read", company: true, load: () => import("./screens/Senders.svelte") },
  { path: "/quarantine", label: "panel.quarantine.title", icon: ShieldX, group: "mail", right: "policy.read", company: true, load: () => import("./screens/Quarantine.svelte") },
  { path: "/statistics", label: "panel.statistics.title", icon: ChartColumn, group: "records", right: "overview.read", company: true, load: () => import("./screens/Statistics.svelte") },
  { path: "/trace", label: "panel.trace.title", icon: Route, group: "records", right: "trace.read", company: true, load: () => import("./screens/Trace.svelte") },
  { path: "/log", label: "panel.log.title", icon: Logs, group: "records", right: "log.read", company: true, load: () => import("./screens/Log.svelte") },
  { path: "/jobs", label: "panel.jobs.title", icon: ListChecks, group: "records", right: "overview.read", company: true, load: () => import("./screens/Jobs.svelte") },
  { path: "/domains", label: "panel.domains.title", icon: Globe, group: "settings", right: "overview.read", company: true, load: () => import("./screens/Domains.svelte") },
  { path: "/admins", label: "panel.admins.title", icon: UserCog, group: "settings", right: "roles.read", company: true, load: () => import("./screens/Admins.svelte") },
  { path: "/security", label: "panel.security", icon: ShieldCheck, group: "settings", right: "policy.read", company: true, words: "panel.access.title", load: () => import("./screens/Security.svelte") },
  { path: "/settings", label: "panel.settings.title", icon: SlidersHorizontal, group: "settings", right: "policy.read", company: true, load: () => import("./screens/Settings.svelte") },
  { path: "/me", label: "panel.nav.me", icon: Lock, group: "own", right: "any", company: false, load: () => import("./screens/Me.svelte") },
  { path: "/my-mail", label: "panel.trace.own", icon: Route, group: "own", right: "self", company: false, load: () => import("./screens/OwnTrace.svelte") },
  { path: "/tenants", label: "panel.tenants.title", icon: Building2, group: "platform", right: "order.read", company: false, load: () => import("./screens/Tenants.svelte") },
  { path: "/orders", label: "panel.orders.title", icon: CalendarDays, group: "platform", right: "order.read", company: false, load: () => import("./screens/Orders.svelte") },
  { path: "/queue", label: "panel.queue.title", icon: ListTree, group: "platform", right: "order.read", company: false, load: () => import("./screens/Queue.svelte") },
  { path: "/health", label: "panel.health.title", icon: Activity, group: "platform", right: "order.read", company: false, load: () => import("./screens/Health.svelte") },
  { path: "/operators", label: "panel.operators.title", icon: UserCog, group: "platform", right: "order.read", company: false, load: () => import("./screens/Operators.svelte") },
  { path: "/parts", label: "panel.parts.title", icon: Scale, group: "platform", right: "order.read", company: false, load: () => import("./screens/Parts.svelte") },
  { path: "/keys", label: "panel.keys.title", icon: KeyRound, group: "settings", right: "roles.read", company: true, load: () => import("./screens/Keys.svelte") },
  { path: "/webhooks", label: "panel.webhooks.title", icon: Webhook, group: "settings", right: "roles.read", company: true, load: () => import("./screens/Webhooks.svelte") },
  { path: "/branding", label: "panel.branding.title", icon: Image, group: "settings", right: "policy.read", company: true, load: () => import("./screens/Branding.svelte") },
  { path: "/contract", label: "panel.contract.title", icon: FileText, group: "settings", right: "contract.read", company: true, load: () => import("./screens/Contract.svelte") },
];

// Parts of the kit, all at once, while the pages are worked on.
if (import.meta.env.DEV) screens.push({ path: "/kit", label: "panel.title", icon: Boxes, group: "own", right: "any", company: false, load: () => import("./screens/Kit.svelte") });
