// On a narrow screen the drawer closes after a choice in it, and the keyboard takes its room from the page.

const NARROW = matchMedia("(max-width: 768px)"); // Streamlit's own width, below which the sidebar is a drawer
// Streamlit closes the drawer itself after a click on a page.
const CHOICES = '[data-testid="stSidebar"] :is([class*="st-key-chat_open_"], .st-key-chat_new) button';
let mounted = false;

export default () => {
  if (mounted) return;
  mounted = true;
  // Else Chrome on Android draws the keyboard over the page, and the box scrolls away with what is above it.
  const viewport = document.querySelector("meta[name=viewport]");
  if (viewport) viewport.content += ", interactive-widget=resizes-content";
  document.addEventListener("click", ({ target }) => {
    if (NARROW.matches && target.closest?.(CHOICES)) {
      document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
    }
  });
};
