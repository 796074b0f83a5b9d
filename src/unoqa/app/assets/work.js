// What is going on: jobs, how far they are, and what they say.

import { ask } from "/assets/server.js";
import { byId, make } from "/assets/panel.js";
import { linkPage, linkReview } from "/assets/links.js";
import { tell } from "/assets/telling.js";

const PAGES = { grade: "report.html", demo: "report.html", report: "report.html", qualify: "site-report.html" };
const opened = new Set(); // jobs whose messages are unfolded

// Show the jobs; `again` looks at them once more.
export function showJobs(jobs, again) {
  byId("jobs").replaceChildren(...(jobs.length ? jobs.map((job) => describeJob(job, again)) : [make("p", "Nothing has been started yet.", "muted")]));
}

function describeJob(job, again) {
  const box = make("div", "", "job");
  const head = make("div", "", "row spread");
  const state = make("p", "", "row");
  state.append(make("span", job.state, "state"), make("code", job.command));
  head.append(state, buttons(job, again));
  box.append(head);
  for (const task of job.progress) {
    const line = make("p", "", "muted");
    const bar = Object.assign(document.createElement("progress"), { max: Math.max(1, task.total), value: task.done });
    bar.setAttribute("aria-label", task.title);
    line.append(`${task.title}: ${task.done} of ${task.total}`);
    box.append(line, bar);
  }
  if (job.state === "running" && !job.progress.length) box.append(make("p", "working …", "muted"));
  if (job.state.startsWith("done")) box.append(sayNext(job));
  if (job.pictures.length) box.append(showPictures(job.pictures));
  if (job.log.trim()) box.append(messages(job));
  return box;
}

function sayNext({ action, output }) {
  if (action === "fit") return make("p", `Next: step 2, grade images with “${output}”.`, "muted");
  if (action === "settle") return make("p", `Next: step 2; “${output}” grades single images, too.`, "muted");
  const folder = action === "demo" ? `${output}/results` : output;
  const box = make("span", "", "row");
  if (PAGES[action]) box.append(linkPage(folder, PAGES[action], action === "qualify" ? "site report" : "report"));
  if (action !== "qualify") box.append(linkReview(folder));
  return box;
}

function showPictures(pictures) {
  const line = make("p", "Look at: ");
  for (const { name, path } of pictures) line.append(Object.assign(make("a", name, "name"), { href: `/start/picture?${new URLSearchParams({ path })}`, target: "_blank" }), " ");
  return line;
}

function messages(job) {
  const details = document.createElement("details");
  const failed = job.state === "not done";
  details.open = opened.has(job.name) || failed;
  details.addEventListener("toggle", () => (details.open ? opened.add(job.name) : opened.delete(job.name)));
  const text = make("pre", job.log.trim());
  text.tabIndex = 0;
  details.append(make("summary", failed ? "Why not" : "What was noticed"), text);
  return details;
}

function buttons(job, again) {
  const words = job.state === "running" ? ["Stop"] : job.state === "stopped" ? ["Resume", "Remove"] : ["Remove"];
  const box = make("span", "", "row");
  for (const word of words) {
    const button = make("button", word);
    button.setAttribute("aria-label", `${word}: ${job.command}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      await tell(byId("refused"), async () => {
        await ask(`/start/${word.toLowerCase()}`, { name: job.name }, { method: "POST" });
        await again();
      });
      button.disabled = false;
    });
    box.append(button);
  }
  return box;
}
