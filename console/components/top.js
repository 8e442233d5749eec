// Shows the beginning of a page that Streamlit opens at its end, as it does with any page that has a box for a chat.

const FOR_MS = 1000; // Streamlit scrolls again as the page grows

export default () => {
  const scrolling = document.querySelector('[data-testid="stAppScrollToBottomContainer"]');
  if (!scrolling) return;
  const stop = () => scrolling.removeEventListener("scroll", up);
  const up = () => {
    // A question may have been asked before this script was there: its answer is followed.
    if (location.search.includes("thread=")) stop();
    else scrolling.scrollTop = 0;
  };
  scrolling.addEventListener("scroll", up);
  up();
  for (const own of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(own, stop, { once: true });
  setTimeout(stop, FOR_MS);
  return stop;
};
