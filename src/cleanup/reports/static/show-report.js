// Shows a report of the cleanup to a platform admin, who is signed in for as long as it takes to get it.
onSignIn('', async (authorization, send) => {
  try {
    return await show();
  } finally {
    await send('api/v1/auth/logout', { method: 'POST', headers: { authorization } });
  }

  async function show() {
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
});
