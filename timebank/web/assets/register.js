// A small extra on the page of a register: what is typed is kept as a draft by itself, a little after the last change.
// Without it there is the button "Save draft".
var PAUSE_MILLISECONDS = 4000;
var form = document.getElementById("register");
var said = document.querySelector(".tb-register__kept");
var timer = null;
var sending = null;

function say(text, isTrouble) {
  said.hidden = false;
  said.textContent = text;
  if (isTrouble) {
    said.setAttribute("role", "alert");
  } else {
    said.removeAttribute("role");
  }
}

function keep() {
  var fields = new URLSearchParams(new FormData(form));
  fields.append("quiet", "yes");
  sending = new AbortController();
  fetch(form.dataset.draft, { method: "POST", body: fields, redirect: "manual", signal: sending.signal })
    .then(function (answer) {
      if (answer.status === 204) {
        var now = new Date();
        say("Draft kept at " + now.toTimeString().slice(0, 5));
      } else {
        say("This is not kept as a draft just now. Leave the page open, or download what is typed.", true);
      }
    })
    .catch(function (error) {
      if (error.name !== "AbortError") {
        say("No connection: this is not kept as a draft. Leave the page open.", true);
      }
    });
}

form.addEventListener("input", function () {
  clearTimeout(timer);
  timer = setTimeout(keep, PAUSE_MILLISECONDS);
});

// Saving the register deletes its draft: one that is still on its way must not come after.
form.addEventListener("submit", function () {
  clearTimeout(timer);
  if (sending) {
    sending.abort();
  }
});
