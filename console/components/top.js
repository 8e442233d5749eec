// Shows the beginning of the page: a page with a box for a chat begins at its end.

export default () => {
  const scrolling = document.querySelector('[data-testid="stAppScrollToBottomContainer"]');
  if (scrolling) scrolling.scrollTop = 0;
};
