// What pages do on top of their forms and links: copy, announce, confirm, switch the theme.

const status = () => document.getElementById("status");

const announce = (text, className = "sr-only") => {
  const said = document.createElement("p");
  said.className = className;
  said.textContent = text;
  status().replaceChildren(said);
};

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "latchkey-dark" : systemIsDark.matches;
};

const actions = {
  async copy(button) {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value ?? field.textContent.trim());
    } catch {
      // Without TLS there is no clipboard: select, and leave the keystroke to the person.
      if (field.select) field.select();
      else getSelection().selectAllChildren(field);
      announce("Selected. Press Ctrl+C or ⌘C to copy.", "notice");
      return;
    }
    const use = button.querySelector("use");
    const icon = use.getAttribute("href");
    use.setAttribute("href", icon.replace("#copy", "#check"));
    setTimeout(() => use.setAttribute("href", icon.replace("#check", "#copy")), 2000);
    announce("Copied.");
  },
  dismiss(button) {
    button.closest(".notice").remove();
  },
  theme() {
    const theme = isDark() ? "latchkey-light" : "latchkey-dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // It then lasts for this page.
    }
  },
  add(button) {
    const list = document.getElementById(button.dataset.add);
    const row = folded.get(list).shift();
    [...list.querySelectorAll("[data-row]")].at(-1).after(row);
    row.querySelector("input").focus();
    button.hidden = !folded.get(list).length;
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.action) actions[button.dataset.action](button);
  // For browsers that do not yet know <button command="show-modal" commandfor="…">.
  const dialog = !("command" in HTMLButtonElement.prototype) && button?.getAttribute("commandfor");
  if (dialog) {
    const isToOpen = button.getAttribute("command") === "show-modal";
    document.getElementById(dialog)[isToOpen ? "showModal" : "close"]();
  }
});

// Without a script every field for one more URI is there; with one, a button brings the next.
const folded = new WeakMap();
const fold = (list) => {
  const rows = [...list.querySelectorAll("[data-row]")].slice(1);
  const empty = rows.filter((row) => !row.querySelector("input").value);
  empty.forEach((row) => row.remove());
  folded.set(list, empty);
  list.querySelector("[data-action=add]").hidden = !empty.length;
};

// The focus follows what happened: to the errors, or to what is new.
const settle = (part) => {
  part.querySelectorAll("[data-grows]").forEach(fold);
  const wanted = document.querySelector("[data-focus]");
  wanted?.focus();
  wanted?.removeAttribute("data-focus");
};

document.addEventListener("htmx:after:swap", (event) => {
  const { id } = event.detail.ctx.target ?? {};
  const part = (id && document.getElementById(id)) || document;
  if (part.dataset?.title) document.title = part.dataset.title;
  // A refusal leaves the dialog where it was, before the message about it.
  document.querySelector("dialog[open]")?.close();
  settle(part);
  // What had the focus was swapped away: go on from where it was.
  if (document.activeElement === document.body) {
    (part.querySelector("a[href], button, input") ?? document.querySelector("h1"))?.focus();
  }
});

document.addEventListener("htmx:error", () => {
  announce("No answer. Check your connection, then try again.", "notice notice-error");
});

settle(document);
document.querySelector("[role=alert][tabindex]")?.focus();
