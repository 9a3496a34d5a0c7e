/* What the pages do beyond htmx. Without it every link and form still works. */
(function () {
  "use strict";
  var root = document.documentElement;
  var KEY = "priorauth-theme";

  function prefersDark() {
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function stored() {
    try {
      return window.localStorage.getItem(KEY);
    } catch (error) {
      return null; // Storage may be forbidden; the system's colors then stand.
    }
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark();
  }

  var chosen = stored();
  if (chosen === "dark" || chosen === "light") {
    root.dataset.theme = chosen;
  }

  function setUpTheme() {
    var button = document.getElementById("theme");
    if (!button) {
      return;
    }
    function show() {
      button.textContent = isDark() ? "Light colors" : "Dark colors";
    }
    button.hidden = false;
    show();
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        window.localStorage.setItem(KEY, root.dataset.theme);
      } catch (error) {
        // As above: the choice then lasts as long as the page.
      }
      show();
    });
  }

  /* Choosing a quote: its document comes into the panel, and the words are looked for in it. */
  var home = ""; // What the panel shows when no document is open.
  var opener = ""; // The link that opened it, by its place among the quotes, since updates replace the element.
  var wanted = "";

  function linkKey(link) {
    return link.getAttribute("href");
  }

  function findOpener() {
    return Array.prototype.find.call(document.querySelectorAll("a[data-anchor]"), function (link) {
      return linkKey(link) === opener;
    });
  }

  function point(anchor) {
    document.querySelectorAll("mark.chosen").forEach(function (mark) {
      mark.classList.remove("chosen");
    });
    document.querySelectorAll("mark[data-quote='" + anchor + "']").forEach(function (mark) {
      mark.classList.add("chosen");
    });
    var first = document.getElementById(anchor);
    if (first) {
      first.focus({ preventScroll: true });
      var box = first.closest(".notetext");
      if (box && box.scrollHeight > box.clientHeight + 1) {
        box.scrollTop = first.offsetTop - box.clientHeight / 3; // The page behind the panel stays where it is.
      } else {
        first.scrollIntoView({ block: "center", behavior: "auto" });
      }
    }
    return Boolean(first);
  }

  function opened(panel) {
    panel.querySelectorAll("[data-close]").forEach(function (button) {
      button.hidden = false;
    });
    if (!(wanted && point(wanted))) {
      var title = document.getElementById("note-title");
      if (title) {
        title.focus();
      }
    }
  }

  function closeNote() {
    var panel = document.getElementById("note");
    if (!panel || !panel.querySelector("#note-title")) {
      return;
    }
    panel.innerHTML = home;
    window.htmx.process(panel);
    var link = findOpener() || panel.querySelector("a");
    if (link) {
      link.focus();
    }
  }

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      closeNote();
    }
  });

  document.addEventListener("click", function (event) {
    var element = event.target instanceof Element ? event.target : null;
    if (!element) {
      return;
    }
    if (element.closest("[data-close]")) {
      closeNote();
      return;
    }
    var jump = element.closest("a[data-jump]");
    if (jump) {
      event.preventDefault();
      point(jump.dataset.jump);
      return;
    }
    var all = element.closest("button[data-all]");
    if (all) {
      document.querySelectorAll("#criteria details").forEach(function (details) {
        details.open = all.dataset.all === "open";
      });
    }
  });

  document.addEventListener("htmx:beforeRequest", function (event) {
    var link = event.detail.elt.closest("a[data-anchor]");
    if (link) {
      opener = linkKey(link);
      wanted = link.dataset.anchor;
    }
  });

  /* A live update keeps what a reader has opened, and says what has happened. */
  var folded = {};

  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.target.id !== "live") {
      return;
    }
    folded = {};
    event.detail.target.querySelectorAll("details[id]").forEach(function (details) {
      folded[details.id] = details.open;
    });
  });

  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    // A clinician who is writing is not interrupted; if the case has moved on, sending says so.
    var written = document.querySelector("#decision textarea");
    if (event.detail.target.id === "decision" && written && written.value.trim()) {
      event.detail.shouldSwap = false;
    }
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    var target = event.detail.target;
    if (target.id === "note") {
      opened(target);
      return;
    }
    var live = document.getElementById("live");
    if (target.id === "live" && live) {
      Object.keys(folded).forEach(function (id) {
        var details = document.getElementById(id);
        if (details) {
          details.open = folded[id];
        }
      });
      showButtons();
      document.getElementById("announce").textContent = "The case has moved on: " + live.dataset.said;
    }
  });

  /* A browser keeps few connections to one server, and each open page holds one: a hidden page lets go of its own.
     When it is shown again it connects, and is told at once if its case has moved. */
  var connected = true;

  function followVisibility() {
    var wrapper = document.querySelector("[sse-connect]");
    if (!wrapper || !window.htmx || connected !== document.hidden) {
      return;
    }
    connected = !document.hidden;
    if (connected) {
      window.htmx.trigger(wrapper, "htmx:afterProcessNode");
      window.htmx.trigger(document.getElementById("watch"), "htmx:afterProcessNode");
    } else {
      window.htmx.trigger(wrapper, "htmx:beforeCleanupElement");
    }
  }

  document.addEventListener("visibilitychange", followVisibility);
  window.addEventListener("load", followVisibility);

  document.addEventListener("htmx:responseError", function (event) {
    document.getElementById("announce").textContent =
      event.detail.xhr.status === 401 ? "You are signed out. Load the page again." : "This could not be loaded.";
  });

  function showButtons() {
    document.querySelectorAll("button[data-all]").forEach(function (button) {
      button.hidden = false;
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    setUpTheme();
    showButtons();
    var panel = document.querySelector("aside#note");
    home = panel ? panel.innerHTML : "";
    if (window.location.hash.indexOf("#q-") === 0) {
      point(window.location.hash.slice(1));
    }
  });
})();
