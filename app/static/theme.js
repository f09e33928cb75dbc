// Before the first paint: the theme that the person chose; without a choice, the system's.
document.documentElement.classList.add("has-script");
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // A browser may keep its storage shut; then the system's theme it is.
}
