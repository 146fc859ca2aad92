// Signs a platform admin in to the job board: an access token by the API, then a cookie for the board alone.
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
    refused.textContent = await signIn(form.email.value, form.password.value).catch(
      () => 'The server does not answer. Try again in a moment.',
    );
    busy = false;
  });

  /** Gives why it did not work. */
  async function signIn(email, password) {
    const login = await post('../../api/v1/auth/login', { email, password });
    const { detail, accessToken } = await login.json();
    if (!login.ok) return detail;
    const opened = await post('../../api/v1/admin/job-board/session', undefined, accessToken);
    if (!opened.ok) return (await opened.json()).detail;
    location.replace('../jobs');
    return '';
  }

  function post(address, body, token) {
    return fetch(address, {
      method: 'POST',
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
  }
})();
