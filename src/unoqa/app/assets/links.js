// Links to the pages of a folder; each opens in a tab of its own, so that this page stays.

import { make } from "/assets/panel.js";

function link(text, title, address) {
  const element = Object.assign(make("a", text), { href: address, target: "_blank" });
  element.setAttribute("aria-label", title);
  return element;
}

export function linkPage(results, page, text) {
  const title = `${text[0].toUpperCase()}${text.slice(1)} of ${results || "the top folder"}`;
  return link(text, title, `/start/report?${new URLSearchParams({ results, page })}`);
}

export function linkReview(results) {
  return link("review", `Review ${results || "the top folder"}`, `/review?${new URLSearchParams({ results })}`);
}
