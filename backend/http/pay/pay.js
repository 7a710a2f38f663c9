// Asks what the link wants, sends the card that is typed, and says what became of it.
// Keeps nothing: a page that is loaded again asks the engine.
"use strict";

const link = location.pathname.replace(/\/$/, "");
const part = (id) => document.getElementById(id);
const SAID = {
  active: "",
  under_way: "Your bank is being asked. Do not pay again; look at this page in a moment.",
  paid: "Paid. Thank you.",
  expired: "This link has expired. Ask the shop for a new one.",
};
const PAUSE_MS = 1500;

function say(status, text) {
  part("status").dataset.status = status;
  part("status").textContent = text;
}

function show(about) {
  part("merchant").textContent = about.merchant;
  part("description").textContent = about.description;
  part("amount").textContent = about.amountText;
  part("pay").textContent = `Pay ${about.amountText}`;
  part("card").hidden = about.status !== "active";
  document.title = `${about.merchant}: ${about.amountText}`;
  say(about.status, SAID[about.status]);
  if (about.status === "paid" && about.successUrl) {
    setTimeout(() => location.assign(about.successUrl), PAUSE_MS);
  }
}

async function ask() {
  const answer = await fetch(`${link}/about`);
  if (!answer.ok) {
    part("card").hidden = true;
    say("expired", "There is no such link.");
    return;
  }
  show(await answer.json());
}

async function pay(event) {
  event.preventDefault();
  const [month, year] = part("expiry").value.split("/");
  const card = {
    number: part("number").value,
    exp_month: Number(month),
    exp_year: Number(year),
    cvc: part("cvc").value,
  };
  part("pay").disabled = true;
  say("asking", "Asking your bank…");
  try {
    const answer = await fetch(link, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(card),
    });
    const told = await answer.json();
    if (answer.ok) show(told);
    else say("declined", told.detail);
  } catch {
    say("declined", "The shop cannot be reached. Nothing is known of a payment: load this page again.");
  } finally {
    part("pay").disabled = false;
  }
}

part("card").addEventListener("submit", pay);
ask();
