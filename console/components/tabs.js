// Keeps the sign-in in a cookie, and all tabs of the browser with the same person.
//
// A tab whose sign-in is no longer the cookie's loads its page anew. What another person has typed here goes.

let tab, channel, written, end;

function cookie() {
  const pair = document.cookie.split("; ").find((one) => one.startsWith(`${tab.name}=`));
  return pair ? pair.slice(tab.name.length + 1) : "";
}

function write(value, more = "") {
  document.cookie = `${tab.name}=${value}; path=/; SameSite=Strict${more}`;
  channel.postMessage(value);
}

function follow(now) {
  if (now === tab.cookie) return;
  // The next person at this browser must not land on the thread of the last one.
  if (tab.cookie) location.replace(location.pathname);
  else location.reload();
}

function forgetOthers() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("rolltop/") && !key.startsWith(`rolltop/${tab.person}/`)) localStorage.removeItem(key);
  }
}

export default ({ data }) => {
  tab = data;
  if (!channel) {
    channel = new BroadcastChannel(tab.name);
    // The message brings the value: this tab may not see the new cookie yet.
    channel.onmessage = ({ data: now }) => follow(now);
    // A tab that was asleep has missed the message.
    for (const event of ["focus", "pageshow"]) addEventListener(event, () => follow(cookie()));
  }
  if (tab.chosen && written !== tab.cookie) {
    written = tab.cookie;
    write(written);
    // Without cookies the sign-in lasts as long as the tab.
    if (cookie() !== written) tab = { ...tab, cookie: cookie() };
  }
  if (tab.left && tab.left === cookie()) write("", "; Max-Age=0");
  if (tab.then) location.replace(tab.then);
  // An unattended screen shows nothing beyond the end. If another tab has put that off, the page comes again.
  clearTimeout(end);
  if (tab.ends_in) end = setTimeout(() => location.reload(), 1000 * (tab.ends_in + 1));
  forgetOthers();
};
