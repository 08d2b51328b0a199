// The frames that bodies are shown in. A frame takes longer to load than a body to fetch, so one lies ready before it is wanted, and is
// moved to its place with all that is in it, where the browser can do that; elsewhere each loads where it stands.

interface Frame {
  element: HTMLIFrameElement;
  loaded: Promise<void>;
}
type Mover = Element & { moveBefore?(node: Node, child: Node | null): void };

const PAUSE = 50; // milliseconds after a frame was taken, for the page to show what is in it

let ready: Frame | undefined;
let corner: Mover | undefined; // where the ready one lies

function made(parent: Element): Frame {
  const element = document.createElement("iframe");
  element.src = "/mail/frame.html";
  element.title = "-";
  element.sandbox.add("allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox", "allow-modals");
  const loaded = new Promise<void>((resolve) => element.addEventListener("load", () => resolve(), { once: true }));
  parent.append(element);
  return { element, loaded };
}

// readyFrame makes a frame for the body that is opened next.
export function readyFrame(): void {
  if (ready) return;
  if (!corner) {
    corner = document.createElement("div");
    (corner as HTMLElement).hidden = true;
    document.body.append(corner);
  }
  if (corner.moveBefore) ready = made(corner);
}

// takeFrame puts a frame into a place of the page.
export function takeFrame(place: Element): Frame {
  const taken = ready;
  ready = undefined;
  setTimeout(readyFrame, PAUSE);
  if (!taken) return made(place);
  (place as Mover).moveBefore!(taken.element, null);
  return taken;
}
