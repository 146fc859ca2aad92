// What the pages behind the links of mails do. Nothing is sent before the click. Server text is only ever set as text.
(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const form = document.querySelector('form');
  const button = form.querySelector('button');
  const password = byId('password');
  const repeated = byId('repeated');

  const token = new URLSearchParams(location.search).get('token');
  // Out of the address bar and the history: who looks at the screen, or uses the browser next, finds no token.
  history.replaceState(null, '', location.pathname);

  byId('without-script').remove();
  if (token) form.hidden = false;
  else show('incomplete');

  if (password) {
    byId('show').addEventListener('change', ({ target }) => {
      for (const field of [password, repeated]) field.type = target.checked ? 'text' : 'password';
    });
    password.addEventListener('input', () => refuse(password, 'refused', []));
    repeated.addEventListener('input', () => refuse(repeated, 'differs', []));
  }

  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy || !passwordsAreComplete()) return;
    busy = true;
    // Not `disabled`: that would take the focus away.
    button.setAttribute('aria-disabled', 'true');
    byId('outcome').replaceChildren();
    await send();
    button.removeAttribute('aria-disabled');
    busy = false;
  });

  /** What only the page can know; everything else about a password is the server's to decide. */
  function passwordsAreComplete() {
    if (!password) return true;
    refuse(password, 'refused', password.value === '' ? ['Enter a password'] : []);
    const differ = password.value !== '' && password.value !== repeated.value;
    refuse(repeated, 'differs', differ ? ['The two passwords are not the same'] : []);
    return password.value !== '' && !differ;
  }

  async function send() {
    let response;
    let problem;
    try {
      response = await fetch(form.dataset.action, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, ...(password && { password: password.value }) }),
        credentials: 'omit',
        signal: AbortSignal.timeout(30_000),
      });
      if (response.ok) return finish('done');
      problem = await response.json();
    } catch {
      // No answer, or one of something that stands between us and the server.
      return show('unavailable');
    }
    const { code, errors = [] } = problem;
    if (code === 'link_invalid' || code === 'email_taken') return finish(code);
    if (response.status === 429) return show('wait', { wait: waiting(response.headers.get('retry-after')) });
    if (response.status >= 502) return show('unavailable');
    if (errors.some(({ field }) => field === 'token')) return finish('incomplete');
    const reasons = errors.filter(({ field }) => field === 'password').map(({ message }) => message);
    if (password && reasons.length > 0) return refuse(password, 'refused', reasons);
    show('unexpected', { request: problem.requestId });
  }

  /** Shows how it ended: a click more would change nothing. */
  function finish(id) {
    form.remove();
    show(id);
  }

  function show(id, texts = {}) {
    const content = byId(id).content.cloneNode(true);
    for (const [name, text] of Object.entries(texts))
      for (const place of content.querySelectorAll(`[data-${name}]`)) place.textContent = text;
    const outcome = byId('outcome');
    outcome.className = id === 'done' ? 'good' : 'bad';
    outcome.replaceChildren(content);
    outcome.focus();
  }

  /** Tells why a field is refused; with no reasons, that it is not. */
  function refuse(field, place, reasons) {
    const list = document.createElement('ul');
    for (const reason of reasons) list.append(Object.assign(document.createElement('li'), { textContent: reason }));
    byId(place).replaceChildren(...(reasons.length > 0 ? [list] : []));
    field.setAttribute('aria-invalid', String(reasons.length > 0));
    if (reasons.length > 0) field.focus();
  }

  /** Retry-After, in seconds, in words. */
  function waiting(seconds) {
    const wait = Number(seconds) || 60;
    if (wait < 2) return 'a second';
    return wait < 120 ? `${wait} seconds` : `${Math.ceil(wait / 60)} minutes`;
  }
})();
