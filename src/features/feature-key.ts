/** What a feature can be known by. */
export const FEATURE_KEY = /^[a-z0-9][a-z0-9._-]{0,99}$/;
export const FEATURE_KEY_MESSAGE = {
  message: '$property has to be up to 100 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first',
};
