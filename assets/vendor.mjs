// Copies what the pages load from the pinned packages into app/static, and builds the icon sprite.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const target = "../app/static";
const modules = "node_modules";

const files = {
  "htmx-4.0.1": ["htmx.org", ["dist/htmx.min.js", "LICENSE"]],
  "swagger-ui-5.35.0": [
    "swagger-ui-dist",
    ["swagger-ui-bundle.js", "swagger-ui.css", "oauth2-redirect.html", "oauth2-redirect.js", "LICENSE", "NOTICE"],
  ],
  "lucide-1.62.0": ["lucide-static", ["LICENSE"]],
};

const icons = [
  "app-window", "arrow-left", "building-2", "check", "circle", "circle-check", "copy", "folder",
  "info", "key-round", "list-todo", "moon", "pencil", "plug", "plus", "search", "trash-2", "triangle-alert", "x",
];

rmSync(`${target}/vendor`, { recursive: true, force: true });
for (const [folder, [name, wanted]] of Object.entries(files)) {
  mkdirSync(`${target}/vendor/${folder}`, { recursive: true });
  for (const file of wanted) {
    copyFileSync(`${modules}/${name}/${file}`, `${target}/vendor/${folder}/${file.split("/").pop()}`);
  }
}

const symbols = icons.map((name) => {
  const svg = readFileSync(`${modules}/lucide-static/icons/${name}.svg`, "utf8");
  const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ").trim()}</symbol>`;
});
writeFileSync(
  `${target}/icons.svg`,
  `<svg xmlns="http://www.w3.org/2000/svg">\n<!-- Lucide 1.62.0, ISC: see vendor/lucide-1.62.0/LICENSE -->\n${symbols.join("\n")}\n</svg>\n`,
);
