// A window in which HTML can be taken apart: that of an empty frame, whose policy lets styles be. In the page's own window every style
// attribute that is parsed would be held against its policy.
let lax: (Window & typeof globalThis) | undefined;

// openRealm makes the window ready. Until then the page's own one serves.
export function openRealm(): Promise<void> {
  return new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.src = "/mail/frame.html";
    frame.hidden = true;
    frame.title = "-";
    frame.sandbox.add("allow-same-origin");
    frame.onload = () => {
      lax = (frame.contentWindow as (Window & typeof globalThis) | null) ?? undefined;
      resolve();
    };
    document.body.append(frame);
  });
}

export function realm(): Window & typeof globalThis {
  return lax ?? window;
}

// parsed is HTML as a document that nobody shows.
export function parsed(html: string): Document {
  return new (realm().DOMParser)().parseFromString(html, "text/html");
}
