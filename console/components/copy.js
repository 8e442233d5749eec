// A button that copies `data.text`, and says so to eyes and ears.
const STYLE = `
  :host { display: block; }
  button { display: inline-flex; align-items: center; gap: 0.4rem; min-height: 2.5rem; padding: 0; border: 0;
    background: none; color: var(--st-text-color); font: 400 0.875rem/1.6 var(--st-font); cursor: pointer; }
  button:hover { color: var(--st-primary-color); }
  button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 4px; }
  svg { width: 1.1rem; height: 1.1rem; fill: none; stroke: currentColor; stroke-width: 1.6; }
  span { font: 400 0.875rem/1.6 var(--st-font); color: var(--st-text-color); }
`;
const ICON = `<svg viewBox="0 0 20 20" aria-hidden="true"><rect x="7" y="7" width="9" height="10" rx="1.5"/>
  <path d="M13 7V4.5A1.5 1.5 0 0 0 11.5 3h-6A1.5 1.5 0 0 0 4 4.5v8A1.5 1.5 0 0 0 5.5 14H7"/></svg>`;

// The clipboard needs HTTPS or this machine; elsewhere the browser copies what is selected.
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.cssText = "position:fixed;opacity:0";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
};

export default ({ data, parentElement }) => {
  parentElement.rolltopText = data.text;
  if (parentElement.querySelector("button")) return;
  const style = document.createElement("style");
  style.textContent = STYLE;
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = `${ICON}<span>Copy</span>`;
  // It is there before it says anything: only a change of it is read out.
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    const copied = await copy(parentElement.rolltopText);
    button.lastChild.textContent = "Copy";
    status.textContent = copied ? " · Copied" : " · Not copied: select the text instead";
    setTimeout(() => { status.textContent = ""; }, 4000);
    button.focus();
  });
  parentElement.append(style, button, status);
};
