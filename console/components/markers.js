// Makes the badge of each `[n]` in an answer a button that opens source n: it clicks the source's own button below the
// answer. Without this script the badges are only shown. Several answers on a page have the same numbers, so a badge
// belongs to the message around it.
const MESSAGE = '[data-testid="stChatMessageContent"]';
const BADGE = `${MESSAGE} .stMarkdownBadge`;

const sourceOf = (badge) => {
  const number = badge.textContent.trim();
  if (!/^\d{1,3}$/.test(number)) return null;
  const chip = new RegExp(`^st-key-source_.+_${number}$`);
  const found = [...badge.closest(MESSAGE).querySelectorAll(`[class*="st-key-source_"][class*="_${number}"]`)];
  return found.find((element) => [...element.classList].some((name) => chip.test(name)))?.querySelector("button") ?? null;
};

// React draws badges anew whenever it likes, so they are prepared after each change of the page.
const prepare = () => {
  for (const badge of document.querySelectorAll(BADGE)) {
    const name = sourceOf(badge) && `Open source ${badge.textContent.trim()}`;
    if (badge.getAttribute("aria-label") === name) continue;
    if (name) {
      badge.setAttribute("role", "button");
      badge.setAttribute("tabindex", "0");
      badge.setAttribute("aria-label", name);
      badge.style.cursor = "pointer";
    } else if (badge.getAttribute("role") === "button") {
      for (const attribute of ["role", "tabindex", "aria-label"]) badge.removeAttribute(attribute);
      badge.style.cursor = "";
    }
  }
};

const open = (event) => {
  const badge = event.target.closest?.(BADGE);
  const button = badge && sourceOf(badge);
  if (!button) return;
  event.preventDefault();
  button.click();
};

export default () => {
  if (!document.rolltopMarkers) {
    document.rolltopMarkers = true;
    let waiting = false;
    const soon = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        prepare();
      });
    };
    new MutationObserver(soon).observe(document.body, { childList: true, characterData: true, subtree: true });
    document.addEventListener("click", open);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") open(event);
    });
  }
  prepare();
};
