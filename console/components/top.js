// Shows the beginning of a page that Streamlit opens at its end, as it does with any page that has a box for a chat.

const FOR_MS = 1000; // Streamlit scrolls again as the page grows

export default () => {
  const scrolling = document.querySelector('[data-testid="stAppScrollToBottomContainer"]');
  if (!scrolling) return;
  const up = () => (scrolling.scrollTop = 0);
  const stop = () => scrolling.removeEventListener("scroll", up);
  up();
  scrolling.addEventListener("scroll", up);
  for (const own of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(own, stop, { once: true });
  setTimeout(stop, FOR_MS);
  return stop;
};
