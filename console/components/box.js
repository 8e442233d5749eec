// The box of Ask HR: what is typed stays in this browser until it is sent, and keys lead to the box.
//
// Under `rolltop/PERSON/THREAD/` localStorage holds `draft`, the text of the box, and `waiting`, the questions that wait
// for the end of a turn. `tabs.js` removes them when another person signs in.

const BOX = '[data-testid="stChatInputTextArea"]';
const SEARCH = '[data-testid="stSidebar"] input';
let page = null; // what the page has last said: person, thread, asked, waiting, edited
let waiting = ""; // what was last kept of it
let edited;
let mounted = false;

const box = () => document.querySelector(BOX);

function keep(name, text, thread = page.thread) {
  const key = `rolltop/${page.person}/${thread}/${name}`;
  if (text) localStorage.setItem(key, text);
  else localStorage.removeItem(key);
}

function kept(name) {
  return localStorage.getItem(`rolltop/${page.person}/${page.thread}/${name}`) ?? "";
}

function fill(text) {
  // React's own property would hide the change from React.
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box(), text);
  box().dispatchEvent(new Event("input", { bubbles: true }));
}

function onInput({ target }) {
  if (page && target.matches?.(BOX)) keep("draft", target.value);
}

function onLeave() {
  // A question that was refused is back in the box without an input event.
  if (page && box()) keep("draft", box().value);
}

function onKey(event) {
  if (!page || event.isComposing || event.altKey) return;
  const typing = event.composedPath()[0].closest?.("input, textarea, select, [contenteditable=true]");
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    if (!document.querySelector(SEARCH)?.checkVisibility()) {
      document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
    }
    requestAnimationFrame(() => document.querySelector(SEARCH)?.focus());
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    box()?.focus();
  } else if (event.key === "?" && !typing) {
    document.querySelector(".st-key-chat_keys button")?.click();
  } else {
    return;
  }
  event.preventDefault();
}

function draft(before) {
  if (before && before.asked !== page.asked) {
    keep("draft", "", before.thread);
    keep("draft", box().value);
  } else if (!before) {
    if (!box().value && kept("draft")) fill(kept("draft"));
  } else if (before.thread !== page.thread) {
    fill(kept("draft"));
  }
  if (page.edited && page.edited.id !== edited) {
    edited = page.edited.id;
    fill([page.edited.text, box().value].filter(Boolean).join("\n"));
    box().focus();
  }
}

// Streamlit loads the box's own script later than this one on a first visit.
function whenThere(then) {
  if (box()) then();
  else setTimeout(() => page && whenThere(then), 50);
}

export default ({ data, setTriggerValue }) => {
  const before = page;
  page = data;
  if (!mounted) {
    mounted = true;
    document.addEventListener("input", onInput);
    document.addEventListener("keydown", onKey);
    addEventListener("pagehide", onLeave);
  }
  const now = JSON.stringify(page.waiting);
  if (before?.thread !== page.thread && !page.waiting.length && kept("waiting")) {
    waiting = kept("waiting");
    setTriggerValue("kept", JSON.parse(waiting));
  } else if (now !== waiting) {
    waiting = now;
    keep("waiting", page.waiting.length ? now : "");
  }
  whenThere(() => draft(before));
  return () => {
    if (page === data) page = null;
  };
};
