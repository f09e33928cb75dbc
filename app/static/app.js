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
    focusHeading();
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
  // Each list once: a later swap elsewhere must not forget the rows that are still to come.
  if (folded.has(list)) return;
  const rows = [...list.querySelectorAll("[data-row]")].slice(1);
  const empty = rows.filter((row) => !row.querySelector("input").value);
  empty.forEach((row) => row.remove());
  folded.set(list, empty);
  list.querySelector("[data-action=add]").hidden = !empty.length;
};

// Focus: to the errors, to what is new, or to what took the place of what was used.

const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary";

const isVisible = (control) => !control.disabled && control.checkVisibility();

const firstControl = (part) =>
  part?.matches(CONTROLS) ? part : [...(part?.querySelectorAll(CONTROLS) ?? [])].find(isVisible);

// A row is gone to by its link, or as a whole: never by a button that would change it.
const target = (row) => {
  const link = row?.querySelector("a[href]:not([data-control])");
  if (row && !link) row.tabIndex = -1;
  return link ?? row;
};

const focusHeading = () => {
  const heading = document.querySelector("h1") ?? document.getElementById("main");
  heading.tabIndex = -1;
  heading.focus();
};

// What was used last, as it can be found again when its part of the page is another.
const traceOf = (control) => {
  const row = control.closest("main li[id], main tr[id]");
  const form = control.closest("form");
  return {
    control,
    kind: control.closest("[data-control]")?.dataset.control,
    action: form?.method === "post" ? form.getAttribute("action") : null,
    row: row?.id,
    next: row?.nextElementSibling?.id,
    path: location.pathname,
  };
};

const opener = (control) => {
  const dialog = control?.closest("dialog:not([open])");
  return dialog ? document.querySelector(`[commandfor="${CSS.escape(dialog.id)}"]`) : control;
};

// The control that stands for the one that was used: the same one, its replacement, the row's.
const successor = ({ control, kind, action, row, next }) => {
  const byId = (id) => (id ? document.getElementById(id) : null);
  const place = byId(row);
  if (control?.isConnected && isVisible(control)) return control;
  if (place && kind) return firstControl(place.querySelector(`[data-control="${kind}"]`));
  const form = action && document.querySelector(`main form[action="${CSS.escape(action)}"]`);
  const again = form && opener(form.querySelector("[type=submit]"));
  if (again && isVisible(again)) return again;
  return target(place) ?? target(byId(next));
};

let used = null;
const remember = (event) => {
  const pressed = event.submitter ?? event.target.closest?.("a, button") ?? event.target;
  // Enter in a field presses the form's button, and the user is still in the field.
  const field = document.activeElement;
  const control = pressed.form && field?.form === pressed.form ? field : pressed;
  if (control instanceof Element && !control.closest("#sign-in-again")) used = traceOf(control);
};
document.addEventListener("click", remember, true);
document.addEventListener("submit", remember, true);

const follow = (trace) => {
  if (document.activeElement !== document.body || !trace) return;
  const control = successor(trace);
  if (control) control.focus();
  else focusHeading();
};

// A form that leads to a page says on it, once, what was used: the focus goes on from there.
const TRACE = "used";
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || !used?.action) return;
  const { control, ...trace } = used;
  try {
    sessionStorage.setItem(TRACE, JSON.stringify(trace));
  } catch {
    // The focus then begins at the top of the page.
  }
});

const arrive = () => {
  let trace = null;
  try {
    trace = JSON.parse(sessionStorage.getItem(TRACE));
    sessionStorage.removeItem(TRACE);
  } catch {
    // Nothing was kept.
  }
  if (trace?.path === location.pathname) follow(trace);
};

const settle = (part) => {
  part.querySelectorAll("[data-grows]").forEach(fold);
  const wanted = document.querySelector("[data-focus]");
  wanted?.focus();
  wanted?.removeAttribute("data-focus");
};

// The session is another: what stays on the page is sent with its token.
const renew = (token) => {
  document.querySelectorAll("input[name=csrf_token]").forEach((field) => (field.value = token));
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
};

const openSignIn = (dialog) => {
  dialog.removeAttribute("data-opens");
  const { account } = document.body.dataset;
  dialog.querySelector("[name=account]").value = account;
  const email = dialog.querySelector("[name=email]");
  email.value ||= account;
  dialog.showModal();
  (dialog.querySelector("[data-focus]") ?? dialog.querySelector("[type=password]")).focus();
};

document.addEventListener("htmx:after:swap", (event) => {
  const { id } = event.detail.ctx.target ?? {};
  const part = (id && document.getElementById(id)) || document;
  if (part.dataset?.title) document.title = part.dataset.title;
  const renewal = document.querySelector("[data-csrf]");
  if (renewal) {
    renew(renewal.dataset.csrf);
    renewal.removeAttribute("data-csrf");
  }
  // A refusal leaves the dialog where it was, before the message about it.
  document.querySelector("dialog[open]")?.close();
  const signIn = document.querySelector("dialog[data-opens]");
  if (signIn) {
    openSignIn(signIn);
    return;
  }
  settle(part);
  follow(used);
});

// A button that was disabled during the request has lost the focus, and is enabled again.
document.addEventListener("htmx:finally:request", () => follow(used));

document.addEventListener("htmx:error", () => {
  announce("No answer. Check your connection, then try again.", "notice notice-error");
});

// A page that came as the answer to a form has an address of its own, to be loaded again from.
if (document.body.dataset.address) history.replaceState(null, "", document.body.dataset.address);
settle(document);
document.querySelector("[role=alert][tabindex]")?.focus();
arrive();
