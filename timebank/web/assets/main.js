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
