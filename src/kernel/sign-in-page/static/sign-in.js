// The form of a page on which a platform admin signs in. What the page is for is done by `open(authorization, send)`, which
// gives why it did not work, or an empty text. `root` leads from the page to where the API begins.
globalThis.onSignIn = (root, open) => {
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

  async function signIn(email, password) {
    const login = await send('api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    const { detail, accessToken } = await login.json();
    return login.ok ? open(`Bearer ${accessToken}`, send) : detail;
  }

  const send = (address, options) => fetch(root + address, { ...options, signal: AbortSignal.timeout(30_000) });
};
