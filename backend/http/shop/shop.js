// The shops' page: choose goods, ask the phone to pay, show what became of it.
// It knows no card: it opens a session at the engine and looks at it until it has ended.
"use strict";

const SHOPS = [
  { id: "mer_tea_house", name: "Tea House", takes: ["supports3DS", "supportsEMV"], goods: [
    { id: "sencha", label: "Sencha, 100 g", text: "Steamed, bright, a little salty", price: 1200 },
    { id: "genmaicha", label: "Genmaicha, 100 g", text: "With roasted rice", price: 950 },
    { id: "teapot", label: "Small teapot", text: "For two cups", price: 3400 },
  ] },
  { id: "mer_paper_shop", name: "Paper Shop", takes: ["supports3DS"], goods: [
    { id: "notebook", label: "Notebook", text: "Ruled, 120 pages", price: 840 },
    { id: "ink", label: "Blue ink, 30 ml", text: "Washes out, mostly", price: 1125 },
    { id: "envelopes", label: "Ten envelopes", text: "Lined", price: 460 },
  ] },
];
const CURRENCY = "USD";
const LOOK_AGAIN_MS = 300;
const COUNT_MAX = 20;
const SENTENCES = {
  waiting: "Look at your phone: it asks whether you want to pay.",
  pending: "The bank is being asked.",
  approved: "Paid. Thank you.",
  declined: "The bank said no, and nothing was charged. Choose another card on the phone.",
  cancelled: "Cancelled. Nothing was charged.",
  expired: "The phone did not answer in time. Nothing was charged.",
};
const ENDED = new Set(["approved", "cancelled", "expired"]);

const byId = (id) => document.getElementById(id);
const money = (minor) => new Intl.NumberFormat("en-US", { style: "currency", currency: CURRENCY })
  .format(minor / 100);

let shop = SHOPS[0];
let counts = new Map();
let session = null;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function chosen() {
  return shop.goods.filter((each) => counts.get(each.id)).map((each) => ({
    label: `${counts.get(each.id)} × ${each.label}`,
    amount: counts.get(each.id) * each.price,
  }));
}

function total() {
  return chosen().reduce((sum, line) => sum + line.amount, 0);
}

function say(status, sentence) {
  byId("status").dataset.status = status;
  byId("status").textContent = sentence;
}

function change(good, by) {
  const count = Math.min(COUNT_MAX, Math.max(0, (counts.get(good.id) || 0) + by));
  counts.set(good.id, count);
  byId(`count-${good.id}`).textContent = String(count);
  byId("receipt").hidden = true;
  say("idle", total() ? "" : "Choose something first.");
  showOrder();
}

function counter(good) {
  const box = element("span", "", { class: "count" });
  const fewer = element("button", "−", { type: "button", "aria-label": `One ${good.label} less` });
  const more = element("button", "+", {
    type: "button", id: `more-${good.id}`, "aria-label": `One more ${good.label}`,
  });
  fewer.addEventListener("click", () => change(good, -1));
  more.addEventListener("click", () => change(good, 1));
  box.append(fewer, element("output", String(counts.get(good.id) || 0), { id: `count-${good.id}` }), more);
  return box;
}

function showShop() {
  byId("shop-name").textContent = shop.name;
  document.title = `${shop.name} · Tap Lab`;
  byId("shops").replaceChildren(...SHOPS.map((each) => {
    const button = element("button", each.name, {
      type: "button", id: `shop-${each.id}`, "aria-pressed": String(each === shop),
    });
    button.disabled = session !== null;
    button.addEventListener("click", () => { shop = each; counts = new Map(); showShop(); });
    return button;
  }));
  byId("goods").replaceChildren(...shop.goods.map((good) => {
    const item = element("li");
    item.append(
      element("span", `${good.label} · ${money(good.price)}`), counter(good), element("small", good.text),
    );
    return item;
  }));
  showOrder();
}

function showOrder() {
  byId("lines").replaceChildren(...chosen().map((line) => {
    const item = element("li");
    item.append(element("span", line.label), element("span", money(line.amount), { class: "price" }));
    return item;
  }));
  byId("total").textContent = money(total());
  byId("pay").disabled = session !== null || total() === 0;
  byId("cancel").hidden = session === null;
  for (const button of document.querySelectorAll("nav button, .count button")) {
    button.disabled = session !== null;
  }
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
    cache: "no-store",
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || `The engine answered ${answer.status}.`);
  return told;
}

async function pay() {
  byId("pay").disabled = true;
  byId("receipt").hidden = true;
  say("opening", "Asking the phone.");
  try {
    session = await ask("POST", "/api/merchant-sessions", {
      merchantId: shop.id, amount: total(), currency: CURRENCY, countryCode: "US",
      lineItems: chosen(), supportedNetworks: ["visa", "mastercard", "amex"],
      merchantCapabilities: shop.takes,
    });
  } catch (error) {
    say("trouble", `The phone could not be asked: ${error.message}`);
    showOrder();
    return;
  }
  showOrder();
  look(session.id);
}

async function look(id) {
  if (session === null || session.id !== id) return;
  try {
    show(await ask("GET", `/api/merchant-sessions/${encodeURIComponent(id)}`));
  } catch (error) {
    say("trouble", "The engine cannot be reached. Asking again.");
  }
  if (session !== null) setTimeout(() => look(id), LOOK_AGAIN_MS);
}

function show(seen) {
  const sentence = SENTENCES[seen.status] || seen.status;
  if (byId("status").textContent !== sentence) say(seen.status, sentence);
  if (!ENDED.has(seen.status)) return;
  session = null;
  if (seen.status === "approved") {
    showReceipt(seen);
    counts = new Map();
    showShop();
    return;
  }
  showOrder();
}

function showReceipt(seen) {
  const rows = [
    ["Paid", money(seen.total.amount)],
    ["Payment", seen.transactionId],
    ["Token", `${seen.token.version}, opened and checked by ${seen.merchantName}`],
    ["Token number", seen.token.transactionId],
  ];
  byId("receipt").replaceChildren(...rows.flatMap(([name, value]) => [
    element("dt", name), element("dd", value),
  ]));
  byId("receipt").hidden = false;
}

async function cancel() {
  if (session === null) return;
  try {
    show(await ask("POST", `/api/merchant-sessions/${encodeURIComponent(session.id)}/cancel`, {}));
  } catch (error) {
    say("trouble", `Not cancelled: ${error.message}`);
  }
}

byId("pay").addEventListener("click", pay);
byId("cancel").addEventListener("click", cancel);
showShop();
