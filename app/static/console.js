// Starts the API console where the page has a place for it.
"use strict";

(() => {
  const place = document.getElementById("console");
  const root = document.documentElement;

  // Of Swagger UI, only what the page does not have already: its own layout is a second <main>.
  const parts = (system) => ({
    components: {
      Console: () => {
        const { createElement } = system.React;
        const part = (name, state) => createElement(system.getComponent(name, state));
        if (system.specSelectors.loadingStatus() !== "success") return part("errors", true);
        return createElement(
          "div",
          { className: "swagger-ui" },
          part("SvgAssets"),
          part("errors", true),
          createElement("div", { className: "scheme-container" }, part("AuthorizeBtnContainer", true)),
          part("operations", true),
        );
      },
    },
  });

  // The document names every operation's scopes. The dialog offers those that the user can grant.
  const offered = new Set(place.dataset.offered.split(" "));
  const offerScopes = () => ({
    statePlugins: {
      spec: {
        wrapActions: {
          updateJsonSpec: (update) => (spec) => {
            const flow = spec.components.securitySchemes.oauth2.flows.authorizationCode;
            const scopes = Object.entries(flow.scopes).filter(([name]) => offered.has(name));
            flow.scopes = Object.fromEntries(scopes);
            return update(spec);
          },
        },
      },
    },
  });

  // A field below the fold must not scroll the dialog when it opens.
  const keepFocus = () => ({
    wrapComponents: {
      Input: (Input, system) => (props) =>
        system.React.createElement(Input, { ...props, autoFocus: false }),
    },
  });

  // The page's session is no credential of the API, and a request with both is refused.
  const withoutCookies = (request) => {
    request.credentials = "omit";
    return request;
  };

  const ui = SwaggerUIBundle({
    url: place.dataset.openapi,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [parts, offerScopes, keepFocus],
    layout: "Console",
    deepLinking: false,
    persistAuthorization: false,
    validatorUrl: null,
    oauth2RedirectUrl: place.dataset.callback,
    requestInterceptor: withoutCookies,
  });
  ui.initOAuth({
    clientId: place.dataset.clientId,
    scopes: place.dataset.scopes,
    usePkceWithAuthorizationCodeGrant: true,
  });

  // Names for what Swagger UI leaves to be guessed from its surroundings.
  const name = () => {
    for (const field of place.querySelectorAll("select:not([aria-label])")) {
      field.setAttribute("aria-label", field.closest("tr")?.dataset.paramName ?? "Media type");
    }
    for (const field of place.querySelectorAll(".auth-container input[id][aria-label]")) {
      // It would hide the label beside the field.
      field.removeAttribute("aria-label");
    }
    for (const heading of place.querySelectorAll(".scopes h2")) {
      // It stands below an <h4>, and another one follows.
      heading.setAttribute("aria-level", "5");
    }
    for (const table of place.querySelectorAll(".responses-table[role=region]")) {
      table.removeAttribute("role");
    }
    for (const wide of place.querySelectorAll("pre, .table-container")) wide.tabIndex = 0;
    moveFocus(place.querySelector(".close-modal"));
  };

  // Focus goes into a dialog when it opens, and back to the button that opened it.
  let opener = null;
  const moveFocus = (close) => {
    if (close && !opener) {
      opener = document.activeElement;
      close.setAttribute("aria-label", "Close");
      close.focus({ preventScroll: true });
    } else if (!close && opener) {
      opener.focus({ preventScroll: true });
      opener = null;
    }
  };
  new MutationObserver(name).observe(place, { childList: true, subtree: true });

  const match = () => {
    root.classList.toggle("dark-mode", getComputedStyle(root).colorScheme === "dark");
  };
  match();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", match);
  new MutationObserver(match).observe(root, { attributeFilter: ["data-theme"] });
})();
