/** A number for people: `1,234,567`. */
export const shown = (value: number): string => value.toLocaleString('en-US');
/** `1 row`, `2 rows`. */
export const counted = (number: number, noun: string): string => `${shown(number)} ${noun}${number === 1 ? '' : 's'}`;
