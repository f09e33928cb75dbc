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

  // The page's session is no credential of the API, and a request with both is refused.
  const withoutCookies = (request) => {
    request.credentials = "omit";
    return request;
  };

  const ui = SwaggerUIBundle({
    url: place.dataset.openapi,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [parts],
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
    for (const table of place.querySelectorAll(".responses-table[role=region]")) {
      table.removeAttribute("role");
    }
    for (const wide of place.querySelectorAll("pre, .table-container")) wide.tabIndex = 0;
    place.querySelector(".close-modal")?.setAttribute("aria-label", "Close");
  };
  new MutationObserver(name).observe(place, { childList: true, subtree: true });

  const match = () => {
    root.classList.toggle("dark-mode", getComputedStyle(root).colorScheme === "dark");
  };
  match();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", match);
  new MutationObserver(match).observe(root, { attributeFilter: ["data-theme"] });
})();
