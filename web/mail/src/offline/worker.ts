// The service worker: it keeps the pages themselves, so that the webmail opens without a network. Mail isn't kept here but in the
// page's own store (offline/store.ts), and nothing of the API passes through.

interface Kept extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Kept {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  addEventListener(name: "install" | "activate", act: (e: Kept) => void): void;
  addEventListener(name: "fetch", act: (e: Asked) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
}
const worker = self as unknown as Worker;

const PAGES = "tegami-pages";
const HOME = "/mail/";
const FRAME = "/mail/frame.html";
const MOST = 200; // files kept, of this release and those before it

worker.addEventListener("install", (e) => {
  e.waitUntil(caches.open(PAGES).then((kept) => kept.addAll([HOME, FRAME])).then(() => worker.skipWaiting()));
});
worker.addEventListener("activate", (e) => e.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (e) => {
  const at = new URL(e.request.url);
  if (e.request.method !== "GET" || at.origin !== worker.location.origin || !at.pathname.startsWith(HOME)) return;
  if (at.pathname.startsWith(`${HOME}assets/`)) e.respondWith(asset(e.request));
  else if (at.pathname === FRAME) e.respondWith(frame(e.request));
  else if (e.request.mode === "navigate") e.respondWith(fresh(e.request, HOME));
});

// asset gives a file whose name changes with its content: the one that is kept is the right one.
async function asset(request: Request): Promise<Response> {
  const kept = await caches.open(PAGES);
  const found = await kept.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) {
    await kept.put(request, answer.clone());
    const all = await kept.keys();
    await Promise.all(all.slice(0, Math.max(0, all.length - MOST)).map((old) => kept.delete(old)));
  }
  return answer;
}

const SPAN = 300_000; // milliseconds for which a frame serves again without a look at the server
let framed: { at: number; answer: Promise<Response> } | undefined;

// frame gives the empty page that a message's body is put into. Each message that is opened wants it, so it is asked for now and then only.
async function frame(request: Request): Promise<Response> {
  if (!framed || Date.now() - framed.at > SPAN) framed = { at: Date.now(), answer: fresh(request, FRAME) };
  const mine = framed;
  try {
    const answer = await mine.answer;
    if ((!answer.ok || answer.redirected) && framed === mine) framed = undefined;
    return answer.clone();
  } catch (e) {
    if (framed === mine) framed = undefined;
    throw e;
  }
}

// fresh gives what the server says, and what is kept where it says nothing.
async function fresh(request: Request, name: string): Promise<Response> {
  const kept = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await kept.put(name, answer.clone());
    return answer;
  } catch (e) {
    const found = await kept.match(name);
    if (found) return found;
    throw e;
  }
}
