import { plain } from './plain.js';

/** A mail, ready to be sent. */
export interface Mail {
  subject: string;
  text: string;
  html: string;
  /** The addresses that it leads to. */
  links: string[];
}

/** A link on a line of its own. */
export interface MailLink {
  label: string;
  url: string;
}

/** What a mail consists of; text and HTML are made from the same parts, so that they cannot disagree. */
export interface MailParts {
  /** Never holds what a person chose. */
  subject: string;
  /** The person's name, as they gave it. */
  name: string;
  /** Paragraphs and links; what a person chose in them went through `plain`. */
  body: (string | MailLink)[];
}

/** Makes a mail from its parts. Everything is escaped here, and nowhere else. */
export function compose({ subject, name, body }: MailParts): Mail {
  const greeting = plain(name) === '' ? 'Hello,' : `Hello ${plain(name)},`;
  const blocks = [greeting, ...body];
  return {
    subject,
    text: `${blocks.map((block) => (typeof block === 'string' ? block : `${block.label}:\n${block.url}`)).join('\n\n')}\n`,
    html: page(
      subject,
      blocks.map((block) => (typeof block === 'string' ? paragraph(block) : button(block))).join('\n'),
    ),
    links: body.flatMap((block) => (typeof block === 'string' ? [] : [block.url])),
  };
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as HTML that shows it and is nothing else, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const paragraph = (text: string): string => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`;

const button = ({ label, url }: MailLink): string => {
  const href = escapeHtml(url);
  return `<p style="margin:24px 0"><a href="${href}" style="background:#1f4fd8;color:#fff;padding:12px 20px;border-radius:6px;text-decoration:none;display:inline-block">${escapeHtml(label)}</a></p>
<p style="margin:0 0 16px;font-size:13px;color:#555;word-break:break-all">${href}</p>`;
};

// No image, no style sheet, nothing from outside: opening the mail tells nobody.
const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto">
${content}
</div>
</body>
</html>
`;
