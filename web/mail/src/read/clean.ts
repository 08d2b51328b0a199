// The second cleaning of HTML, after the server's (UI.md: sanitised on the server and again here).
import DOMPurify from "dompurify";
import { parsed, realm } from "./realm.ts";

const tags = ["form", "input", "button", "textarea", "select", "option", "style", "link", "meta", "base", "svg", "math", "video", "audio", "source", "track", "template", "dialog", "iframe", "object", "embed", "frame", "frameset"];

// addresses allows what a link or a picture may lead to: the web, mail, telephones, and pictures that lie in the message.
const addresses = /^(?:https?:|mailto:|tel:|data:image\/(?:png|gif|jpeg|webp|bmp);|cid:|#)/i;

// clean gives HTML as a tree without anything that acts. It is taken apart in the window it is for.
export function clean(html: string, within: Window & typeof globalThis = realm()): DocumentFragment {
  const tree = DOMPurify(within).sanitize(html, {
    RETURN_DOM_FRAGMENT: true, FORBID_TAGS: tags, FORBID_ATTR: ["srcset", "ping", "formaction", "action", "id", "name", "contenteditable", "autofocus", "tabindex"], ADD_ATTR: ["target"],
    ALLOWED_URI_REGEXP: addresses, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, USE_PROFILES: { html: true },
  });
  for (const link of tree.querySelectorAll("a[href], area[href]")) {
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener noreferrer nofollow");
  }
  return tree;
}

// cleanHTML is clean as a text.
export function cleanHTML(html: string): string {
  const box = parsed("").createElement("div");
  box.append(clean(html));
  return box.innerHTML;
}
