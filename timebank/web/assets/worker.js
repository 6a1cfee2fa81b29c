// When there is no signal, this shows the hours and bookings that were seen last. It keeps one answer, of /offline, and
// the style sheet that its pages need: no other page, and nothing that a form answered. The server says with every page
// whose it is, in a header; a page without it (signed out, a borrowed phone, somebody else's pages) ends the keeping.
// VERSION, FILES, HEADERS and MAX_DAYS come from the server, in front of this text.
"use strict";
var DATA = "/offline";
var MARK = "Timebank-Keep";
var FRESH_MILLISECONDS = 60000;
var DAY_MILLISECONDS = 86400000;
var formWasSent = false;
var forgotten = 0; // counts, so that an answer which comes after the forgetting is not kept

async function forget() {
  forgotten += 1;
  for (const name of await caches.keys()) {
    await caches.delete(name);
  }
}

async function kept() {
  const found = await caches.match(DATA);
  return found ? found.json() : null;
}

async function store(data) {
  await (await caches.open(VERSION)).put(DATA, new Response(JSON.stringify(data)));
}

async function keep() {
  const before = forgotten;
  const answer = await fetch(DATA);
  const key = answer.headers.get(MARK);
  if (!answer.ok || !key) {
    return;
  }
  const data = await answer.json();
  data.key = key;
  data.at = Date.now();
  await (await caches.open(VERSION)).addAll(FILES);
  await store(data);
  if (forgotten !== before) {
    await forget();
  }
}

// Whose page came, and is what is kept still theirs? Somebody else's is gone before the page is shown.
async function notice(event, answer) {
  const key = answer.headers.get(MARK);
  const data = await kept();
  if (data && (key ? data.key !== key : answer.ok)) {
    await forget();
  }
  const isFresh = data && data.key === key && !formWasSent && Date.now() - data.at < FRESH_MILLISECONDS;
  if (key && !isFresh) {
    formWasSent = false;
    event.waitUntil(keep().catch(function () {}));
  }
}

function page(html) {
  return new Response(html, { headers: HEADERS });
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
}

// The page for a form holds what was typed, so that it can be sent again from there. It is stored nowhere.
async function unsent(html, copy) {
  const fields = [];
  for (const [name, value] of await copy.formData()) {
    if (typeof value === "string") {
      fields.push('<input type="hidden" name="' + escaped(name) + '" value="' + escaped(value) + '">');
    } else if (value.size > 0) {
      html = html.replace("<!--file", "").replace("file-->", ""); // files cannot be put into a page: say so
    }
  }
  const address = new URL(copy.url);
  const action = 'action="' + escaped(address.pathname + address.search) + '"';
  return page(html.replace("<!--fields-->", () => fields.join("")).replace('action="/"', () => action));
}

async function visit(event) {
  const request = event.request;
  const isForm = request.method === "POST";
  const copy = isForm ? request.clone() : null;
  const data = await kept();
  if (isForm && new URL(request.url).pathname === "/sign-out") {
    await forget();
  }
  try {
    if (isForm && data && !navigator.onLine) {
      return await unsent(data.pages.not_sent, copy);
    }
    const answer = (await event.preloadResponse) || (await fetch(request));
    formWasSent = formWasSent || isForm;
    if (answer.type !== "opaqueredirect") {
      await notice(event, answer);
    }
    return answer;
  } catch (error) {
    if (!data) {
      throw error;
    }
    if (isForm) {
      return unsent(data.pages.no_answer, copy);
    }
    if (Date.now() - data.at > MAX_DAYS * DAY_MILLISECONDS) {
      data.pages.seen = data.pages.nothing;
      await store(data);
    }
    return page(data.pages.seen);
  }
}

// A form goes through here only from a page of ours: what another site sends stays between the browser and the server,
// which tells the two apart by what the browser says. One with files goes through only where it cannot be sent anyway,
// because not every browser hands files on.
function isOurs(request) {
  if (request.method !== "POST") {
    return request.method === "GET";
  }
  const hasFiles = !(request.headers.get("Content-Type") || "").startsWith("application/x-www-form-urlencoded");
  return request.referrer.startsWith(location.origin + "/") && !(hasFiles && navigator.onLine);
}

self.addEventListener("install", function () {
  self.skipWaiting();
});

self.addEventListener("activate", function (event) {
  event.waitUntil(
    (async function () {
      await forget();
      if (registration.navigationPreload) {
        await registration.navigationPreload.enable();
      }
      await clients.claim();
      await keep().catch(function () {});
    })()
  );
});

self.addEventListener("fetch", function (event) {
  const request = event.request;
  if (request.mode === "navigate") {
    if (isOurs(request)) {
      event.respondWith(visit(event));
    }
  } else if (FILES.includes(new URL(request.url).pathname)) {
    event.respondWith(
      caches.match(request).then(function (found) {
        return found || fetch(request);
      })
    );
  }
});
