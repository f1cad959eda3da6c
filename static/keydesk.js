// Keydesk's one script. Pages work without it; it only adds. No data ever passes through innerHTML.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const icons = document.currentScript.dataset.icons;
  const all = (css) => document.querySelectorAll(css);
  const on = (type, does) => document.addEventListener(type, does);

  const said = document.getElementById("announce");
  const announce = (words) => { if (said) said.textContent = words; };

  // Copy. "Copied" is said only when the clipboard has answered; otherwise the text is selected.
  const button = (label, icon, kind, text, target) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn " + kind;
    if (icon) {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
      svg.setAttribute("class", "icon");
      svg.setAttribute("aria-hidden", "true");
      use.setAttribute("href", icons + "#" + icon);
      svg.append(use);
      made.append(svg);
    }
    const words = made.appendChild(document.createElement("span"));
    words.textContent = label;
    made.onclick = async () => {
      try {
        await navigator.clipboard.writeText(text());
        words.textContent = "Copied";
        announce("Copied");
        document.querySelector(".copy-failed")?.remove();
        if (target.matches("[data-secret]")) guarded = false;
        setTimeout(() => { words.textContent = label; announce(""); }, 2000);
      } catch {
        if (target.select) target.focus(), target.select();
        else getSelection().selectAllChildren(target);
        const failed = document.createElement("p");
        failed.className = "copy-failed";
        failed.textContent = "Couldn’t copy. Select the key and press Ctrl+C (⌘C on a Mac).";
        document.querySelector(".copy-failed")?.remove();
        target.closest(".seal-face, .sample").after(failed);
        announce(failed.textContent);
      }
    };
    return made;
  };

  // The open seal: two buttons, and a question before leaving until Copy or Done is pressed.
  let guarded = false;
  for (const key of all("[data-secret]")) {
    const actions = document.createElement("div");
    actions.className = "seal-act";
    actions.append(
      button("Copy key", "copy", "primary", () => key.value, key),
      button("Copy as .env", "", "", () => key.dataset.secret + "=" + key.value, key),
    );
    key.after(actions);
    // What can be revealed again is not lost by leaving.
    guarded ||= !key.matches("[data-again]");
  }
  addEventListener("beforeunload", (leaving) => { if (guarded) leaving.preventDefault(); });
  on("click", (event) => { if (event.target.closest("[data-done]")) guarded = false; });
  for (const type of ["focusin", "click"]) on(type, (event) => { if (event.target.matches("[data-secret]")) event.target.select(); });

  for (const code of all("[data-copy]")) {
    code.closest(".sample").append(button("Copy", "copy", "", () => code.textContent, code));
  }

  // Waiting for the first request: 204 while waiting, 200 with the received panel.
  const waiting = document.querySelector("[data-poll]");
  if (waiting) {
    const stop = Date.now() + 600_000;
    const ask = async () => {
      if (!waiting.isConnected || Date.now() > stop) return;
      if (!document.hidden) {
        const answer = await fetch(waiting.dataset.poll, { cache: "no-store", redirect: "manual" }).catch(() => null);
        if (answer?.status === 200) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          // Whoever stood on the old panel stands on the new one.
          const next = waiting.contains(document.activeElement) ? page.body.querySelector("a, button") : null;
          for (const step of all(".step")) { step.classList.remove("now"); step.classList.add("done"); }
          waiting.replaceWith(...page.body.children);
          next?.focus();
          announce("First request received");
          return;
        }
        if (answer && !answer.ok) return;
      }
      setTimeout(ask, 1000);
    };
    setTimeout(ask, 1000);
  }

  // Times: relative ones stay true each minute; exact ones also say the reader's own clock.
  const ago = (seconds) => {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (minutes < 1) return "Just now";
    if (minutes < 60) return minutes + " min ago";
    return hours + (hours === 1 ? " hour ago" : " hours ago");
  };
  const refresh = () => {
    for (const time of all("time[data-relative], .c-used time")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (seconds >= 0 && seconds < 43_200) time.textContent = ago(seconds);
    }
  };
  setInterval(refresh, 60_000);
  if (new Date().getTimezoneOffset()) {
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
    for (const time of all("time[data-local]")) time.append(" (" + clock.format(new Date(time.dateTime)) + ")");
  }

  // Row menus: the page carries one, and each row's button becomes a copy of it. Without script, the button opens the
  // list with the menu of its row.
  const pattern = document.querySelector("template#row-menu");
  for (const button of pattern ? all(".c-menu > button") : []) {
    const menu = pattern.content.firstElementChild.cloneNode(true);
    menu.firstElementChild.setAttribute("aria-label", button.getAttribute("aria-label"));
    for (const act of menu.querySelectorAll("a")) {
      const { alive, kept } = act.dataset;
      if ((alive === "" && button.dataset.off === "") || (kept === "" && button.dataset.kept !== "")) act.remove();
      else act.setAttribute("href", act.getAttribute("href").replace("ID", button.value));
    }
    button.replaceWith(menu);
  }

  // Menus close on Escape, with focus back on their button, and on a click elsewhere.
  const menus = () => all("details.row-menu[open], details.menu[open]");
  // "/" goes to the search, unless somebody types, or turned it off under Security.
  const hasShortcut = () => !/(^|; )shortcut=off(;|$)/.test(document.cookie);
  on("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) menu.open = false, menu.firstElementChild.focus();
    }
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && hasShortcut()) {
      const search = document.querySelector("[type=search]");
      if (search) event.preventDefault(), search.focus();
    }
  });
  const shortcut = document.querySelector("[data-shortcut]");
  if (shortcut) {
    const toggle = shortcut.querySelector("button");
    const say = () => { toggle.firstChild.data = hasShortcut() ? "Turn off" : "Turn on"; };
    toggle.addEventListener("click", () => {
      document.cookie = "shortcut=" + (hasShortcut() ? "off" : "on") + "; Path=/; Max-Age=31536000; SameSite=Lax";
      say();
    });
    say();
    shortcut.hidden = false;
  }
  on("click", (event) => {
    for (const menu of menus()) {
      if (!menu.contains(event.target) && !menu.nextElementSibling?.contains(event.target)) menu.open = false;
    }
  });

  // Keys of a list: all of the page at once, and how many are ticked.
  const picked = document.querySelector("[data-picked]");
  if (picked) {
    const boxes = [...picked.closest("form").querySelectorAll("[name=key]")];
    const every = document.createElement("input");
    every.type = "checkbox";
    const label = document.createElement("label");
    label.append(every, "Select all on this page");
    picked.before(label);
    const words = picked.textContent;
    const count = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      every.checked = ticked === boxes.length;
      every.indeterminate = ticked > 0 && !every.checked;
      picked.textContent = ticked ? ticked + " selected" : words;
    };
    every.onchange = () => {
      for (const box of boxes) box.checked = every.checked;
      count();
    };
    on("change", count);
    addEventListener("pageshow", count);
    count();
  }

  // Forms: filters go when a pointer changed a select; a second press within two seconds is ignored. With the keyboard
  // each arrow on the way is a change, so there the Filter button is pressed.
  let typed = null;
  on("pointerdown", () => { typed = null; });
  on("keydown", (event) => { typed = event.target; });
  on("change", (event) => {
    if (event.target !== typed && event.target.matches("form[data-autosubmit] select")) event.target.form.requestSubmit();
    if (event.target.matches(".code-tabs [name=language]")) {
      document.cookie = "code_language=" + encodeURIComponent(event.target.value) + "; Path=/; Max-Age=31536000; SameSite=Lax";
    }
  });
  let sent = new WeakMap();
  on("submit", (event) => {
    // A whole key that somebody searches for stays out of the address: its last four characters find it as well.
    const search = event.target.querySelector("[type=search]");
    const key = search?.value.match(/_[0-9A-Za-z]{20,}(?=\W*$)/);
    if (key) search.value = key[0].slice(-4);
    if (Date.now() - (sent.get(event.target) ?? 0) < 2000) event.preventDefault();
    else sent.set(event.target, Date.now());
  });

  // Passkeys: the form is there where the browser has them. It is sent with what the device answers.
  const passkeys = window.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials;
  for (const form of passkeys ? all("[data-passkey]") : []) {
    const making = form.dataset.passkey === "create";
    const problem = form.querySelector("[data-passkey-error]");
    form.hidden = false;
    form.onsubmit = async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        const answer = await fetch(form.dataset.options, { method: "POST", redirect: "manual" });
        // Sent away to prove who it is: the form's own page leads there as well, and back. What is here may be the answer to a post.
        if (answer.type === "opaqueredirect") return location.assign(location.pathname.replace(/\/passkey$/, "") + location.search);
        if (!answer.ok) throw new Error(answer.status === 429 ? "Too many tries. Wait a minute and try again." : "");
        const { publicKey } = await answer.json();
        const credential = making
          ? await passkeys.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
          : await passkeys.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
        form.elements.credential.value = JSON.stringify(credential);
        // The box of the form beside it is for both.
        if (form.elements.remember) form.elements.remember.value = document.querySelector("[name=remember]:checked")?.value ?? "";
        form.submit();
      } catch (failed) {
        const known = failed.name === "InvalidStateError" ? "This device has a passkey for you already." : failed.name === "Error" && failed.message;
        problem.textContent = known || "That didn’t work, or was cancelled. Try again, or use another way.";
        problem.hidden = false;
        sent.delete(form);
      }
    };
  }

  // A page that the back button brings back from memory: forms may be sent again, and an open seal stays gone.
  addEventListener("pagehide", () => { for (const key of all("[data-secret]")) key.value = ""; });
  addEventListener("pageshow", (shown) => {
    if (!shown.persisted) return;
    sent = new WeakMap();
    if (document.querySelector("[data-secret]")) location.replace(location.pathname.replace(/\/reveal$/, ""));
  });

  document.querySelector(".error-summary")?.focus();
})();
