// A source of people as a form holds it, and as the API takes it.
import type { Schemas } from "../session.svelte.ts";

export const parts = ["key", "address", "lastName", "firstName", "lastKana", "firstKana", "displayName", "company", "department", "title", "phone", "mobile", "disabled"] as const;
export type Part = (typeof parts)[number];

// partNames are the catalogue's keys of what each part of an account is.
export const partNames: Record<Part, string> = {
  key: "panel.ldap.key", address: "panel.address", lastName: "panel.last_name", firstName: "panel.first_name", lastKana: "panel.last_kana", firstKana: "panel.first_kana", displayName: "panel.display_name",
  company: "panel.gal.company", department: "panel.department", title: "panel.job_title", phone: "panel.phone", mobile: "panel.mobile", disabled: "panel.ldap.disabled",
};

// usual are the attributes of the presets, as the server has them.
export const usual: Record<"ad" | "inetOrgPerson", Record<Part, string>> = {
  ad: {
    key: "objectGUID", address: "mail", lastName: "sn", firstName: "givenName", lastKana: "msDS-PhoneticLastName", firstKana: "msDS-PhoneticFirstName", displayName: "displayName", company: "company",
    department: "department", title: "title", phone: "telephoneNumber", mobile: "mobile", disabled: "userAccountControl",
  },
  inetOrgPerson: {
    key: "entryUUID", address: "mail", lastName: "sn", firstName: "givenName", lastKana: "-", firstKana: "-", displayName: "displayName", company: "o", department: "departmentNumber", title: "title",
    phone: "telephoneNumber", mobile: "mobile", disabled: "-",
  },
};

export interface Form {
  name: string;
  url: string;
  ca: string;
  bindDN: string;
  password: string;
  base: string;
  filter: string;
  preset: string;
  domain: string;
  every: string;
  maxGone: number;
  map: Record<Part, string>;
}

// formOf is a source in a form; without one, an empty form.
export function formOf(s?: Schemas["LDAPSource"]): Form {
  return {
    name: s?.name ?? "", url: s?.url ?? "", ca: s?.ca ?? "", bindDN: s?.bindDN ?? "", password: "", base: s?.base ?? "", filter: s?.filter ?? "", preset: s?.preset ?? "ad", domain: s?.domain ?? "",
    every: s?.every ?? "", maxGone: s?.maxGone ?? 10, map: Object.fromEntries(parts.map((p) => [p, s?.map?.[p] ?? ""])) as Record<Part, string>,
  };
}

// bodyOf is what the form asks for. An empty password leaves the one there is.
export function bodyOf(f: Form): Schemas["LDAPChange"] {
  const map = Object.fromEntries(parts.filter((p) => f.map[p].trim()).map((p) => [p, f.map[p].trim()]));
  return {
    name: f.name.trim(), url: f.url.trim(), ca: f.ca.trim() || undefined, bindDN: f.bindDN.trim() || undefined, base: f.base.trim(), filter: f.filter.trim() || undefined,
    preset: f.preset as "ad" | "inetOrgPerson", domain: f.domain || undefined, map, every: (f.every || undefined) as "hourly" | "daily" | undefined, maxGone: f.maxGone, password: f.password || undefined,
  };
}
