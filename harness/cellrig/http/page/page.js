"use strict";

const EVERY = 2000; // milliseconds between two looks
const KEPT = "cellrig-token";
const byId = (id) => document.getElementById(id);

/* Text goes in as text, never as markup: names are whatever users have called things. */
function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "depth") made.style.setProperty("--depth", value);
    else if (name === "className") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const time = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);

function status(word) {
  const tone = { ACTIVE: "good", ERROR: "bad", error: "bad" }[word] || "faint";
  return element("span", { className: tone }, word);
}

function use(provider, inventory) {
  const { used, capacity } = inventory;
  const bar = element("meter", {
    min: 0, max: Math.max(capacity, 1), value: used, high: Math.max(capacity, 1) * 0.9,
    "aria-label": `${inventory.class} of ${provider.name}`,
  });
  return element("div", { className: "use" },
    element("span", {}, inventory.class), bar, element("span", {}, `${used}/${capacity}`));
}

function provider(each, host) {
  const name = each.name === host ? "" : `${each.name} `; // the card's title says it already
  return element("div", { className: "provider", depth: each.depth },
    element("div", {}, name, element("span", { className: "faint" }, each.traits.join(" "))),
    ...each.inventories.map((inventory) => use(each, inventory)));
}

function server(each) {
  return element("li", { title: each.id }, each.name, " ", status(each.status),
    element("span", { className: "faint" }, ` ${each.flavor}${each.task ? `, ${each.task}` : ""}`));
}

function host(each, open) {
  const state = !each.up ? "down" : each.enabled ? "up" : "disabled";
  const [root, ...below] = each.providers;
  const details = below.length === 0 ? null : element("details", { "data-host": each.node },
    element("summary", {}, `${below.length} nested provider${below.length === 1 ? "" : "s"}`),
    ...below.map((one) => provider(one, each.name)));
  if (details !== null && open.has(each.node)) details.open = true;
  return element("article", { className: "card" },
    element("h3", {}, each.name, " ",
      element("span", { className: state === "up" ? "good" : "bad" }, state)),
    root ? provider(root, each.name) : null,
    details,
    each.servers.length === 0
      ? element("p", { className: "faint" }, "no servers")
      : element("ul", {}, ...each.servers.map(server)));
}

function cell(each, open) {
  const refuses = each.refuses === null ? null
    : element("p", { className: "bad" }, `its database refuses connections: ${each.refuses}`);
  return element("section", { className: "cell" }, element("h3", {}, each.name), refuses,
    element("div", { className: "cards" }, ...each.hosts.map((one) => host(one, open))));
}

function rows(names, lines, none) {
  if (lines.length === 0) return element("p", { className: "faint" }, none);
  const cells = (line) => line.map((value, at) => element("td", { "data-name": names[at] }, value ?? ""));
  return element("table", { className: "rows" },
    element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...lines.map((line) => element("tr", {}, ...cells(line)))));
}

function held(each) {
  return each.held.map((use) => `${use.server} on ${use.host ?? "no host"} (${use.status}, ${use.mode})`).join("; ");
}

function show(rig) {
  const open = new Set([...document.querySelectorAll("details[open]")].map((one) => one.dataset.host));
  const elsewhere = rig.elsewhere.length === 0 ? [] : [element("section", { className: "cell" },
    element("h3", {}, "On no host"), element("ul", { className: "card" }, ...rig.elsewhere.map(server)))];
  byId("clock").textContent = `${new Date(rig.now * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  byId("cells").replaceChildren(...rig.cells.map((each) => cell(each, open)), ...elsewhere);
  byId("volumes").replaceChildren(rows(["name", "size", "status", "held by"], rig.volumes.map((each) => [
    each.name || each.id, `${each.size} GiB${each.multiattach ? ", multiattach" : ""}`, status(each.status), held(each),
  ]), "no volumes"));
  byId("migrations").replaceChildren(rows(["at", "server", "type", "from", "to", "status"], rig.migrations.map((each) => [
    time(each.at), each.server, each.type, each.source, each.destination, status(each.status),
  ]), "no migrations"));
  byId("events").replaceChildren(rows(["at", "host", "what", "server", "went wrong"], rig.happenings.map((each) => [
    time(each.at), each.host, each.what, each.server,
    each.error === null ? "" : element("span", { className: "bad" }, each.error),
  ]), "nothing has happened yet"));
  byId("sign-in").hidden = true;
  byId("rig").hidden = false;
}

function askToSignIn(why) {
  byId("rig").hidden = true;
  byId("sign-in").hidden = false;
  byId("refused").textContent = why;
  byId("clock").textContent = "not signed in";
}

async function look() {
  const token = sessionStorage.getItem(KEPT);
  if (token === null) return askToSignIn("");
  let answer;
  try {
    answer = await fetch("/page/overview", { headers: { "X-Auth-Token": token } });
  } catch {
    byId("clock").textContent = "the cloud does not answer";
    return setTimeout(look, EVERY);
  }
  if (answer.status === 401) return askToSignIn("Your token has expired.");
  if (answer.status === 403) return askToSignIn("This page is for administrators.");
  if (!answer.ok) {
    byId("clock").textContent = `the cloud answers ${answer.status}`;
    return setTimeout(look, EVERY);
  }
  show(await answer.json());
  return setTimeout(look, EVERY);
}

async function signIn(event) {
  event.preventDefault();
  const domain = { id: "default" };
  const user = { name: byId("user").value, password: byId("password").value, domain };
  const auth = {
    identity: { methods: ["password"], password: { user } },
    scope: { project: { name: byId("project").value, domain } },
  };
  const answer = await fetch("/identity/v3/auth/tokens", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ auth }),
  });
  if (!answer.ok) return askToSignIn("User, project and password do not go together.");
  sessionStorage.setItem(KEPT, answer.headers.get("X-Subject-Token"));
  byId("password").value = "";
  return look();
}

byId("sign-in").addEventListener("submit", signIn);
look();
