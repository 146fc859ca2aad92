// What the pages behind the links of mails do. Nothing is changed before the click. Server text is only ever set as text.
(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const form = document.querySelector('form');
  const button = form.querySelector('button');

  const token = new URLSearchParams(location.search).get('token');
  // Out of the address bar and the history: who looks at the screen, or uses the browser next, finds no token.
  history.replaceState(null, '', location.pathname);

  /** What the link offers, on the page of an invitation. */
  let invitation;

  byId('without-script').remove();
  void begin();

  async function begin() {
    if (!token) return show('incomplete');
    if (form.dataset.preview && !(await preview())) return;
    listen();
    form.hidden = false;
  }

  /** Asks what the link offers, and takes the fields that fit. Gives whether there is something to click. */
  async function preview() {
    const answer = await post(form.dataset.preview, { token });
    if (!answer.ok) {
      if (answer.body.code === 'link_invalid' || isIncomplete(answer)) tell(answer);
      else finish('ask_again');
      return false;
    }
    invitation = answer.body;
    const expires = new Date(invitation.expiresAt).toLocaleString('en', { dateStyle: 'long', timeStyle: 'short' });
    fill(form, { organization: invitation.organizationName, role: invitation.role, expires });
    byId('email').value = invitation.email;
    byId('fields').replaceChildren(byId(invitation.accountExists ? 'account' : 'newcomer').content.cloneNode(true));
    return true;
  }

  function listen() {
    const [name, password, repeated] = ['name', 'password', 'repeated'].map(byId);
    name?.addEventListener('input', () => refuse(name, 'misnamed', []));
    password?.addEventListener('input', () => refuse(password, 'refused', []));
    repeated?.addEventListener('input', () => refuse(repeated, 'differs', []));
    byId('show')?.addEventListener('change', ({ target }) => {
      for (const field of [password, repeated]) field.type = target.checked ? 'text' : 'password';
    });
    let busy = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (busy || !isComplete(name, password, repeated)) return;
      busy = true;
      // Not `disabled`: that would take the focus away.
      button.setAttribute('aria-disabled', 'true');
      byId('outcome').replaceChildren();
      await send(name, password);
      button.removeAttribute('aria-disabled');
      busy = false;
    });
  }

  /** What only the page can know; everything else about a field is the server's to decide. */
  function isComplete(name, password, repeated) {
    const differ = repeated && password.value !== '' && password.value !== repeated.value;
    const nameless = name && name.value.trim() === '';
    if (repeated) refuse(repeated, 'differs', differ ? ['The two passwords are not the same'] : []);
    if (password) refuse(password, 'refused', password.value === '' ? ['Enter a password'] : []);
    if (name) refuse(name, 'misnamed', nameless ? ['Enter your name'] : []);
    return !differ && !nameless && password?.value !== '';
  }

  async function send(name, password) {
    if (invitation?.accountExists) return joinSignedIn(password);
    const answer = await post(form.dataset.action, {
      token,
      ...(name && { fullName: name.value }),
      ...(password && { password: password.value }),
    });
    conclude(answer);
  }

  /** Accepts as somebody with an account: in a session that lasts no longer. */
  async function joinSignedIn(password) {
    const { email } = invitation;
    const signedIn = await post('api/v1/auth/login', { email, password: password.value });
    const { code, accessToken } = signedIn.body;
    if (code === 'invalid_credentials') return refuse(password, 'refused', ['The password is wrong']);
    if (code === 'email_not_verified') {
      await post('api/v1/auth/verify-email/resend', { email });
      return show(code);
    }
    if (!signedIn.ok) return tell(signedIn);
    if (!accessToken) return show('more_than_password');
    const answer = await post(form.dataset.action, { token }, accessToken);
    await post('api/v1/auth/logout', {}, accessToken);
    conclude(answer);
  }

  /** Asks the server. Without an answer, or with one of something that stands between us and it: status 503. */
  async function post(action, body, accessToken) {
    try {
      const response = await fetch(action, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
        body: JSON.stringify(body),
        credentials: 'omit',
        signal: AbortSignal.timeout(30_000),
      });
      const { ok, status, headers } = response;
      return { ok, status, headers, body: status === 204 ? {} : await response.json() };
    } catch {
      return { ok: false, status: 503, body: {} };
    }
  }

  function conclude(answer) {
    if (answer.ok) finish('done', { organization: invitation?.organizationName });
    else tell(answer);
  }

  /** Tells why something was refused. */
  function tell(answer) {
    const { status, headers, body } = answer;
    const { code, detail, errors = [], requestId } = body;
    if (['link_invalid', 'email_taken', 'already_member'].includes(code)) return finish(code, { detail });
    if (code === 'seat_limit_reached') return show(code);
    // An account was made, or has another address, since the page asked.
    if (['authentication_required', 'invitation_for_another'].includes(code)) return finish('ask_again');
    if (status === 429) return show('wait', { wait: waiting(headers.get('retry-after')) });
    if (status >= 502) return show('unavailable');
    if (isIncomplete(answer)) return finish('incomplete');
    const reasons = errors.filter(({ field }) => field === 'password').map(({ message }) => message);
    const misnamed = errors.some(({ field }) => field === 'fullName');
    if (reasons.length > 0) refuse(byId('password'), 'refused', reasons);
    if (misnamed) refuse(byId('name'), 'misnamed', ['Use one line of at most 120 characters']);
    if (reasons.length === 0 && !misnamed) show('unexpected', { request: requestId });
  }

  function isIncomplete({ body: { errors = [] } }) {
    return errors.some(({ field }) => field === 'token');
  }

  /** Shows how it ended: a click more would change nothing. */
  function finish(id, texts) {
    form.remove();
    show(id, texts);
  }

  function show(id, texts = {}) {
    const content = byId(id).content.cloneNode(true);
    fill(content, texts);
    const outcome = byId('outcome');
    outcome.className = id === 'done' ? 'good' : 'bad';
    outcome.replaceChildren(content);
    outcome.focus();
  }

  function fill(root, texts) {
    for (const [name, text] of Object.entries(texts))
      for (const place of root.querySelectorAll(`[data-${name}]`)) place.textContent = text;
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
