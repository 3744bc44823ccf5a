// What the page does beside showing: it follows runs, streams and comparisons, and fills in
// how figures moved. Everything else works without script. Texts are set as text, never as
// markup; a part of a page that is shown anew comes from this server, through the parser.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);

async function answer(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

// renew shows a part of this page as it is now.
async function renew(selector) {
  const old = one(selector);
  if (!old) return;
  const response = await fetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = one(selector, page);
  if (fresh) old.replaceWith(document.adoptNode(fresh));
}

// The large figures: how they moved. The room is there already, so nothing moves.
const figures = one("[data-changes]");
if (figures) {
  const here = new URLSearchParams(location.search);
  const about = new URLSearchParams();
  for (const name of ["tenant", "as_of"]) if (here.get(name)) about.set(name, here.get(name));
  answer("/api/v1/changes?" + about)
    .then((moved) => {
      for (const line of figures.querySelectorAll("[data-delta]")) line.textContent = moved[line.dataset.delta] ?? "\u00a0";
    })
    .catch(() => {
      for (const line of figures.querySelectorAll("[data-delta]")) line.textContent = "change not known";
    });
}

// A connector: every step of its runs.
const run = one("[data-events]");
if (run) {
  let last = "";
  const source = new EventSource(run.dataset.events);
  source.onmessage = (event) => {
    const step = JSON.parse(event.data);
    one("[data-state]", run).textContent = step.state;
    one("[data-text]", run).textContent = step.text;
    one("[data-when]", run).textContent = "Followed live.";
    const ended = step.state !== "running" && step.stored;
    const key = step.command + step.state;
    if (ended && last !== "" && last !== key) renew("[data-refresh]");
    last = key;
    document.documentElement.dataset.run = step.state + (ended ? " stored" : "");
  };
  addEventListener("pagehide", () => source.close());
}

// Streams: figures every few seconds, rates between two of them.
const streams = one("[data-streams]");
if (streams) {
  let before = null;
  const follow = async () => {
    if (!document.hidden) {
      try {
        const now = await answer(streams.dataset.streams);
        one("[data-waiting]", streams).textContent = now.waiting.toLocaleString("en");
        one("[data-age]", streams).textContent = Math.round(now.age_seconds).toString();
        one("[data-health]", streams).textContent = now.health;
        for (const stream of now.streams) {
          const line = one(`[data-stream="${CSS.escape(stream.name)}"]`, streams);
          if (!line) continue;
          for (const cell of line.querySelectorAll("[data-f]")) cell.textContent = stream[cell.dataset.f].toLocaleString("en");
          const was = before?.streams.find((s) => s.name === stream.name);
          if (was) {
            const seconds = (Date.parse(now.at) - Date.parse(before.at)) / 1000;
            one("[data-rate]", line).textContent = seconds > 0 ? ((stream.last_sequence - was.last_sequence) / seconds).toFixed(1) : "–";
          }
        }
        before = now;
      } catch {
        one("[data-health]", streams).textContent = "the server does not answer";
      }
    }
    setTimeout(follow, 3000);
  };
  follow();
}

// A comparison in progress.
const followVerify = async () => {
  const verify = one("[data-verify]");
  if (!verify || !("running" in verify.dataset)) return;
  try {
    const state = await answer(verify.dataset.verify);
    const records = one("[data-records]", verify);
    if (records) records.textContent = state.records.toLocaleString("en");
    if (!state.running) {
      await renew("[data-verify]");
      return;
    }
  } catch {
    // asked again below
  }
  setTimeout(followVerify, 1000);
};
followVerify();
