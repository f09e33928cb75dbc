// What pages do on top of their forms and links: copy, announce, confirm, switch the theme.
const status = () => document.getElementById("status");

const announce = (text) => {
  status().textContent = text;
};

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "latchkey-dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

const actions = {
  async copy(button) {
    const field = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(field.value ?? field.textContent.trim());
    announce("Copied.");
  },
  open(button) {
    document.getElementById(button.dataset.open).showModal();
  },
  close(button) {
    button.closest("dialog").close();
  },
  theme() {
    const theme = isDark() ? "latchkey-light" : "latchkey-dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  },
  add(button) {
    const list = document.getElementById(button.dataset.add);
    const hidden = list.querySelector("[hidden]");
    hidden.hidden = false;
    hidden.querySelector("input").focus();
    button.hidden = !list.querySelector("[hidden]");
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button) actions[button.dataset.action](button);
});

// After a part of the page has changed, the focus follows: to its errors, or to what is new.
document.addEventListener("htmx:after:swap", () => {
  const wanted = document.querySelector("[data-focus]");
  if (!wanted) return;
  wanted.focus();
  wanted.removeAttribute("data-focus");
});

document.querySelector("[role=alert][tabindex]")?.focus();

// Without a script every field for one more URI is there; with one, a button brings the next.
for (const list of document.querySelectorAll("[data-grows]")) {
  const rows = [...list.querySelectorAll("[data-row]")];
  rows.slice(1).forEach((row) => {
    row.hidden = !row.querySelector("input").value;
  });
}
