// Octets: up with progress, and the addresses they come down from (RFC 8620 §6).
import { Refusal, type Client } from "./client.ts";
import type { Id } from "./types.ts";

export interface Uploaded {
  blobId: Id;
  type: string;
  size: number;
}

export interface Upload {
  done: Promise<Uploaded>;
  stop: () => void;
}

const filled = (template: string, values: Record<string, string>) => template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));

// download is the address of a blob under a name and a type.
export function download(client: Client, blobId: Id, name: string, type = "application/octet-stream", account = client.account): string {
  return filled(client.session.downloadUrl, { accountId: account, blobId, name, type });
}

// upload sends a file and tells how far it is, 0 to 1. fetch() doesn't tell that, so this is the older way.
export function upload(client: Client, file: Blob, progress: (part: number) => void, account = client.own): Upload {
  const request = new XMLHttpRequest();
  const done = new Promise<Uploaded>((resolve, reject) => {
    request.open("POST", filled(client.session.uploadUrl, { accountId: account }));
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.setRequestHeader("Tegami-Page", "1");
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    request.responseType = "json";
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onerror = () => reject(new Refusal("offline"));
    request.onabort = () => reject(new Refusal("aborted"));
    request.onload = () => {
      const told = request.response as (Uploaded & { type?: string; detail?: string }) | null;
      if (request.status >= 200 && request.status < 300 && told?.blobId) resolve(told);
      else reject(new Refusal(told?.type ?? "", told?.detail ?? "", request.status));
    };
    request.send(file);
  });
  return { done, stop: () => request.abort() };
}
