import data from "/data.json" with { type: "json" };
import { showHome } from "./home.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const login = at("login-form");
const SESSION = "session";
const SSO = {
  sso: { label: "Single sign-on", icon: "#i-sso", note: "Single sign-on isn’t switched on for your workspace." },
  passkey: { label: "Use a passkey", icon: "#i-passkey", note: "No passkey for this site was found on this device." },
  link: { label: "Email me a link", icon: "#i-link", note: "Sign-in links are switched off for your workspace." },
};

Object.assign(root.dataset, data.theme);
for (const el of document.querySelectorAll("[data-fill]")) el.textContent = data.text[el.dataset.fill];
at("login-title").textContent = `${data.text.verb} to ${data.text.brand}`;
at("submit").textContent = data.text.verb;
at("remember").checked = at("remember").defaultChecked = data.remember;

for (const key of data.sso) {
  const button = at("sso-button").content.cloneNode(true).firstChild;
  button.querySelector("use").setAttribute("href", SSO[key].icon);
  button.querySelector("span").textContent = SSO[key].label;
  button.addEventListener("click", () => { at("sso-note").textContent = SSO[key].note; });
  at("sso").append(button);
}

function complaint(input) {
  const value = input.value.trim();
  if (input.type === "email" && !value) return "Enter your email address.";
  if (input.type === "email" && !/^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(value)) return "Enter an address like name@company.com.";
  if (!input.value) return "Enter your password.";
  return "";
}

function validate(input) {
  const text = complaint(input);
  at(`${input.id}-error`).textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  return !text;
}

function firstWrong(...inputs) {
  const wrong = inputs.filter((input) => !validate(input));
  wrong[0]?.focus();
  return wrong[0];
}

/** Complains when a filled-in field is left, and takes a complaint back as soon as it no longer holds. */
function watch(input) {
  input.addEventListener("blur", () => { if (input.value) validate(input); });
  input.addEventListener("input", () => { if (input.hasAttribute("aria-invalid")) validate(input); });
}
[login.email, login.password, at("reset-email")].forEach(watch);

async function post(path, body) {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`);
}

function alertText(text) {
  const box = at("login-error");
  box.replaceChildren();
  if (!text) return;
  box.innerHTML = '<svg aria-hidden="true"><use href="#i-alert"/></svg><span></span>';
  box.lastChild.textContent = text;
}

function accountOf(email, password) {
  return data.accounts.find((a) => a.email.toLowerCase() === email.toLowerCase() && a.password === password);
}

login.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (at("submit").getAttribute("aria-busy") === "true" || firstWrong(login.email, login.password)) return;
  const sent = { email: login.email.value.trim(), password: login.password.value, remember: login.remember.checked };
  at("submit").setAttribute("aria-busy", "true");
  alertText("");
  try {
    await post("/api/login", sent);
    const account = accountOf(sent.email, sent.password);
    if (account) return signIn(account, sent.remember);
    alertText("That email and password don’t go together. Check both and try again.");
    login.password.value = "";
    login.password.focus();
  } catch {
    alertText("We can’t reach the server. Check your connection and try again.");
  } finally {
    at("submit").removeAttribute("aria-busy");
  }
});

at("reveal").addEventListener("click", () => {
  const shown = login.password.type === "password";
  login.password.type = shown ? "text" : "password";
  at("reveal").setAttribute("aria-pressed", String(shown));
  at("reveal").setAttribute("aria-label", shown ? "Hide password" : "Show password");
  at("reveal").querySelector("use").setAttribute("href", shown ? "#i-eye-off" : "#i-eye");
});

at("reset-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (firstWrong(at("reset-email"))) return;
  const email = at("reset-email").value.trim();
  await post("/api/reset", { email });
  at("reset-note").textContent = `If ${email} has an account, a link is on its way.`;
});

function signIn(account, remember) {
  (remember ? localStorage : sessionStorage).setItem(SESSION, account.email);
  location.hash = "#home";
  route();
}

at("sign-out").addEventListener("click", () => {
  localStorage.removeItem(SESSION);
  sessionStorage.removeItem(SESSION);
  login.reset();
  location.hash = "";
  route();
  login.email.focus();
});

function route() {
  const email = localStorage.getItem(SESSION) ?? sessionStorage.getItem(SESSION);
  const account = data.accounts.find((a) => a.email === email);
  const reset = location.hash === "#reset";
  at("sign-in").hidden = Boolean(account);
  at("home").hidden = !account;
  if (account) return showHome(account, data, location.hash.slice(1));
  at("login-view").hidden = reset;
  at("reset-view").hidden = !reset;
  document.title = `${reset ? "Reset password" : data.text.verb} · ${data.text.brand}`;
}

window.addEventListener("hashchange", route);
drawRotas(data.shifts);
route();
void root.offsetHeight; // the drawn colours first, or buttons would fade in from the default ones
root.dataset.ready = "";

/** The same day plan on the poster beside the form and on the home page: 6:00 to 22:00. */
function drawRotas(shifts) {
  const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;
  for (const rota of document.querySelectorAll("[data-rota]")) {
    const head = document.createElement("div");
    head.className = "hours";
    head.innerHTML = "<div></div>";
    head.firstChild.append(...[6, 10, 14, 18].map((hour) => Object.assign(document.createElement("span"), { textContent: clock(hour) })));
    rota.append(head);
    shifts.names.forEach((name, i) => {
      const row = at("shift").content.cloneNode(true).firstChild;
      const start = shifts.starts[i];
      const hours = Math.min(shifts.hours[i], 22 - start);
      const fill = row.querySelector(".bar-fill");
      row.querySelector(".shift-name").textContent = name;
      fill.classList.toggle("solid", i % 3 === 0);
      fill.style.left = `${((start - 6) / 16) * 100}%`;
      fill.style.width = `${(hours / 16) * 100}%`;
      fill.firstChild.textContent = `${start} – ${start + hours}`;
      rota.append(row);
    });
  }
}
