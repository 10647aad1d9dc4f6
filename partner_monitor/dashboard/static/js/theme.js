// Light or dark, before anything is drawn: what the reader chose here, or else the system's way.
(function () {
    "use strict";
    const KEY = "partner-monitor-theme";
    const system = window.matchMedia("(prefers-color-scheme: dark)");

    function chosen() {
        try {
            return window.localStorage.getItem(KEY);
        } catch (error) {
            return null; // storage is forbidden: the system decides
        }
    }

    function apply() {
        document.documentElement.dataset.bsTheme = chosen() || (system.matches ? "dark" : "light");
        document.dispatchEvent(new Event("themechange"));
    }

    apply();
    system.addEventListener("change", apply);
    document.addEventListener("click", function (event) {
        if (!event.target.closest("[data-theme-toggle]")) return;
        const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
        try {
            window.localStorage.setItem(KEY, next);
        } catch (error) {
            document.documentElement.dataset.bsTheme = next;
        }
        apply();
    });
})();
