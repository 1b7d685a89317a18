// Keeps pages true while they are open. Everything works without it.

const clock = () => {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const seconds = Math.round((Date.parse(element.dateTime) - Date.now()) / 1000);
    const text = Math.abs(seconds) < 5 ? "now" : seconds < 0 ? `${span(-seconds)} ago` : `in ${span(seconds)}`;
    if (element.textContent !== text) element.textContent = text;
  }
};

const span = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) {
    const minutes = Math.floor(seconds / 60) % 60;
    return `${Math.floor(seconds / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(seconds / 86400)} d`;
};

/** Fetches the page again and takes over its live parts; a form in which somebody writes stays as long as it counts. */
const refresh = async () => {
  const response = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
  if (response.redirected || !response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || part.innerHTML === next.innerHTML) continue;
    if ("guarded" in part.dataset && part.querySelector("form") && next.querySelector("form[data-decide], form[data-comment]")) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    part.replaceChildren(...next.childNodes);
    part.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? false; });
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  clock();
};

let pending;
const refreshSoon = () => {
  clearTimeout(pending);
  pending = setTimeout(() => refresh().catch(() => {}), 120);
};

const address = document.body.dataset.liveEvents;
let events;

/** A browser allows few connections to one server, so only the page that is looked at keeps one. */
const follow = () => {
  if (document.hidden) {
    events?.close();
    events = undefined;
  } else if (!events) {
    events = new EventSource(address);
    events.addEventListener("approval", refreshSoon);
    // Also after a lost connection: what was missed is on the fresh page.
    events.onopen = refreshSoon;
  }
};

if (address) {
  document.addEventListener("visibilitychange", follow);
  follow();
  // A deadline passes without an event.
  setInterval(() => { if (!document.hidden) refreshSoon(); }, 60000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("form[data-decide] button");
  if (button) button.form.elements.reason.required = button.value === "deny";
});

document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button")) setTimeout(() => { button.disabled = true; }, 0);
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});

setInterval(clock, 5000);
clock();
