// Passkeys need a script: only the browser can reach the key. Each form carries what the server asks in data-options;
// the answer goes into its hidden field and the form is sent like any other. Without this script the forms stay hidden.
(function () {
  "use strict";

  function bytes(text) {
    var binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, function (c) { return c.charCodeAt(0); });
  }

  function text(buffer) {
    var binary = "";
    new Uint8Array(buffer).forEach(function (byte) { binary += String.fromCharCode(byte); });
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function readable(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) {
      options.user.id = bytes(options.user.id);
    }
    ["excludeCredentials", "allowCredentials"].forEach(function (name) {
      (options[name] || []).forEach(function (one) { one.id = bytes(one.id); });
    });
    return options;
  }

  function sendable(credential) {
    var response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) {
        response[name] = text(credential.response[name]);
      }
    });
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response };
  }

  function answer(form) {
    var wanted = { publicKey: readable(JSON.parse(form.dataset.options)) };
    var asked = form.dataset.passkey === "create" ? navigator.credentials.create(wanted) : navigator.credentials.get(wanted);
    asked.then(function (credential) {
      form.elements.answer.value = JSON.stringify(sendable(credential));
      form.submit();
    }, function () {
      form.querySelector("[data-failed]").hidden = false;
      form.querySelectorAll("button").forEach(function (button) { button.removeAttribute("aria-disabled"); });
      delete form.dataset.sent;
    });
  }

  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    if (!window.PublicKeyCredential) {
      return;
    }
    form.closest("[data-needs-passkeys]").hidden = false;
    document.querySelector("[data-without-passkeys]").hidden = true;
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      answer(form);
    });
  });
})();
