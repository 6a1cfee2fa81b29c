// A small extra on top of pages that work without it: the button of a sent form waits, so that a double tap is one tap.
// It comes back by itself, because a download leaves the page where it is.
var WAIT_MILLISECONDS = 4000;

function ready(form) {
  delete form.dataset.sent;
  form.querySelectorAll("button").forEach(function (button) {
    button.removeAttribute("aria-disabled");
  });
}

document.addEventListener("submit", function (event) {
  var form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  form.querySelectorAll("button").forEach(function (button) {
    button.setAttribute("aria-disabled", "true");
  });
  setTimeout(ready, WAIT_MILLISECONDS, form);
});

// Coming back with the browser's own button finds the form ready again.
window.addEventListener("pageshow", function () {
  document.querySelectorAll("form[data-sent]").forEach(ready);
});

// After a refusal the list of what to put right is read out first.
var summary = document.querySelector(".govuk-error-summary");
if (summary) {
  summary.focus();
}

// A phone that may keep something has the hours of its member for when there is no signal (worker.js). Any other page
// (signed out, a borrowed phone, somebody else's pages) takes away what was kept here.
async function leaveNothing() {
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    await registration.unregister();
  }
  for (const name of await caches.keys()) {
    await caches.delete(name);
  }
}

if ("serviceWorker" in navigator) {
  window.addEventListener("load", function () {
    var done = "keep" in document.documentElement.dataset ? navigator.serviceWorker.register("/worker.js") : leaveNothing();
    done.catch(function () {}); // the page is whole without it
  });
}
