/** Says how something ended; the script shows it by its id. */
export const outcome = (id: string, heading: string, text: string): string =>
  `<template id="${id}"><h2>${heading}</h2><p>${text}</p></template>`;

/** Password managers need a form, the real field types and `new-password`. @param minLength in characters. */
export const newPasswordFields = (minLength: number): string => `<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" maxlength="1024" autocapitalize="none" spellcheck="false" aria-describedby="rules refused">
<p id="rules" class="hint">At least ${minLength} characters. A few words in a row are good; digits and signs are not asked for. Common passwords, and those with your name or address in them, are refused.</p>
<div id="refused" role="alert"></div>
<label for="repeated">The same password again</label>
<input id="repeated" type="password" autocomplete="new-password" maxlength="1024" autocapitalize="none" spellcheck="false" aria-describedby="differs">
<div id="differs" role="alert"></div>
<label class="toggle"><input id="show" type="checkbox"> Show what I type</label>
`;
