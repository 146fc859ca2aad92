// Shows a report of the cleanup to a platform admin, who is signed in for as long as it takes to get it.
(() => {
  'use strict';
  const form = document.querySelector('form');
  const refused = document.getElementById('refused');
  let busy = false;

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    refused.textContent = '';
    refused.textContent = await open(form.email.value, form.password.value).catch(
      () => 'The server does not answer. Try again in a moment.',
    );
    busy = false;
  });

  /** Gives why it did not work. */
  async function open(email, password) {
    const login = await post('api/v1/auth/login', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    const { detail, accessToken } = await login.json();
    if (!login.ok) return detail;
    const authorization = `Bearer ${accessToken}`;
    try {
      return await show(authorization);
    } finally {
      await post('api/v1/auth/logout', { headers: { authorization } });
    }
  }

  async function show(authorization) {
    const id = encodeURIComponent(new URLSearchParams(location.search).get('id') ?? '');
    const report = await send(`api/v1/admin/cleanup/reports/${id}`, {
      headers: { authorization, accept: 'text/html' },
    });
    if (!report.ok) return (await report.json()).detail;
    if (!report.headers.get('content-type').startsWith('text/html')) return 'The report is not made yet.';
    const frame = document.createElement('iframe');
    frame.title = document.title;
    frame.setAttribute('sandbox', '');
    frame.srcdoc = await report.text();
    frame.style.cssText = 'position: fixed; inset: 0; width: 100%; height: 100%; border: 0';
    document.body.replaceChildren(frame);
    return '';
  }

  const post = (address, options) => send(address, { ...options, method: 'POST' });
  const send = (address, options) => fetch(address, { ...options, signal: AbortSignal.timeout(30_000) });
})();
