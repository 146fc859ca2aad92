// Opens the job board to a platform admin who has signed in: by a cookie for the board alone.
onSignIn('../../', async (authorization, send) => {
  const opened = await send('api/v1/admin/job-board/session', { method: 'POST', headers: { authorization } });
  if (!opened.ok) return (await opened.json()).detail;
  location.replace('../jobs');
  return '';
});
