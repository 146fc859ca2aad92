/** Bytes of the settings of one organization, as JSON. */
export const MAX_SETTINGS_BYTES = 64 * 1024;
/** Levels of objects and arrays within `custom`. */
export const MAX_CUSTOM_DEPTH = 8;

const contact = (description: string, example: string) =>
  ({ type: 'string', format: 'email', maxLength: 254, description, example }) as const;

/**
 * What the settings of an organization may be (JSON Schema draft 7, the part of it that OpenAPI 3.0 shares). Reading,
 * writing and the OpenAPI document come from here. A setting that is not there has no value: there are no defaults.
 */
export const settingsSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Settings by name; what was never set is left out',
  properties: {
    locale: {
      type: 'string',
      format: 'language-tag',
      maxLength: 35,
      description: 'Language of the organization (BCP 47)',
      example: 'en-GB',
    },
    timeZone: {
      type: 'string',
      format: 'time-zone',
      maxLength: 64,
      description: 'IANA time zone of the organization',
      example: 'Europe/London',
    },
    dateFormat: {
      type: 'string',
      enum: ['YYYY-MM-DD', 'DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'],
      description: 'How days are written',
      example: 'YYYY-MM-DD',
    },
    branding: {
      type: 'object',
      additionalProperties: false,
      description: 'How the organization presents itself',
      example: { displayName: 'Analytical Engines', primaryColor: '#1f4fd8' },
      properties: {
        displayName: {
          type: 'string',
          minLength: 1,
          maxLength: 120,
          // As in every name: no line breaks, control characters, bidirectional overrides.
          pattern: String.raw`^[^\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]*$`,
          description: 'Name to show, of one line',
          example: 'Analytical Engines',
        },
        logoUrl: {
          type: 'string',
          format: 'https-url',
          maxLength: 2048,
          description: 'Address of the logo; https alone, without user and password',
          example: 'https://cdn.example.com/logo.svg',
        },
        primaryColor: {
          type: 'string',
          pattern: '^#[0-9a-fA-F]{6}$',
          description: 'Colour as red, green and blue',
          example: '#1f4fd8',
        },
      },
    },
    contacts: {
      type: 'object',
      additionalProperties: false,
      description: 'Whom to write to',
      example: { support: 'support@example.com' },
      properties: {
        support: contact('For questions of users', 'support@example.com'),
        billing: contact('For invoices', 'billing@example.com'),
        security: contact('For reports of weaknesses', 'security@example.com'),
      },
    },
    custom: {
      type: 'object',
      additionalProperties: true,
      description: `Settings of your own product, of any shape; at most ${MAX_CUSTOM_DEPTH} levels deep`,
      example: { invoices: { footer: 'Thank you', dueInDays: 30 } },
    },
  },
} as const;

/** Settings as the document shows them. */
export const settingsExample = {
  locale: 'en-GB',
  timeZone: 'Europe/London',
  branding: { displayName: 'Analytical Engines', primaryColor: '#1f4fd8' },
  contacts: { support: 'support@example.com' },
  custom: { invoices: { footer: 'Thank you', dueInDays: 30 } },
};
