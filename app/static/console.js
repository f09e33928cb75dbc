// Starts the API console where the page has a place for it.
"use strict";

(() => {
  const place = document.getElementById("console");
  const root = document.documentElement;

  // The page's session is no credential of the API, and a request with both is refused.
  const withoutCookies = (request) => {
    request.credentials = "omit";
    return request;
  };

  // Swagger UI leaves these to be guessed from what stands around them.
  const name = () => {
    for (const field of place.querySelectorAll("select:not([aria-label])")) {
      const row = field.closest("tr");
      field.setAttribute("aria-label", row?.dataset.paramName ?? "Response media type");
    }
  };

  const ui = SwaggerUIBundle({
    url: place.dataset.openapi,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
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

  const match = () => {
    root.classList.toggle("dark-mode", getComputedStyle(root).colorScheme === "dark");
  };
  match();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", match);
  new MutationObserver(match).observe(root, { attributeFilter: ["data-theme"] });
  new MutationObserver(name).observe(place, { childList: true, subtree: true });
})();
