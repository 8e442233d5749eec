// Says a word to screen readers, once: text that Streamlit streams is in no live region.

let said;

export default ({ data, parentElement }) => {
  let region = parentElement.querySelector("[role=status]");
  if (!region) {
    region = document.createElement("div");
    region.setAttribute("role", "status");
    region.style = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)";
    parentElement.append(region);
  }
  if (!data.id || data.id === said) return;
  said = data.id;
  region.textContent = "";
  // The same words again are heard only if they have been away.
  setTimeout(() => (region.textContent = data.text), 100);
};
