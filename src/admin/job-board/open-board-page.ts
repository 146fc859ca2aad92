import { renderSignInPage, signInScript } from '../../kernel/sign-in-page/sign-in-page.js';

/** The script of the page. */
export const script = signInScript(new URL('static/open-board.js', import.meta.url));

/** Where a platform admin signs in to the job board. */
export const OPEN_BOARD_PAGE = renderSignInPage({
  title: 'Jobs',
  hint: 'For platform admins. You stay signed in for 15 minutes.',
  button: 'Sign in',
  root: '../../',
  script: 'sign-in.js',
});
