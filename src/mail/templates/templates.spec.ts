import { describe, expect, it } from 'vitest';
import { Links } from '../links.js';
import { renderMail, type TemplateData, type TemplateName, templates } from './index.js';
import { passage, plain } from './plain.js';

const links = new Links('https://app.example.com');

/** Every template, with one name and one address in it. */
function render(template: TemplateName, name: string, email = 'kim@example.com') {
  const at = '2026-11-21T04:58:00Z';
  const data = { name, token: 'a+b/c', expiresInMinutes: 60, at, newEmail: email, email };
  Object.assign(data, { organizationName: name, formerOwnerName: name, restorableUntil: at, domain: name, role: name });
  Object.assign(data, { inviterName: name, expiresAt: at, host: name, reason: 'failing' });
  Object.assign(data, { description: name, webhookId: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00' });
  Object.assign(data, {
    reportId: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00',
    reportType: 'daily',
    from: at,
    until: at,
    troubles: troublesOf(name, at),
    requestId: '0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00',
    title: name,
    authorName: name,
    environments: [name],
    applyAt: at,
    cause: { rejectedBy: name, comment: name },
    figures: figuresOf(name, at),
  });
  if (template === 'change-request-waits') Object.assign(data, { reason: name });
  return renderMail(template, data as unknown as TemplateData<typeof template>, links);
}

function troublesOf(type: string, at: string) {
  return [
    { kind: 'failed', type, message: type },
    { kind: 'growing', type, expired: 2_000 },
    { kind: 'missed', schedule: type, at },
    { kind: 'late', schedule: type, at },
  ];
}

function figuresOf(type: string, at: string) {
  return {
    runs: 1,
    failedRuns: 1,
    lateRuns: 0,
    deleted: 3,
    deletedBefore: 2,
    rowsPerSecond: 1_000,
    series: [{ at, deleted: 3 }],
    types: [{ type, deleted: 3, errors: 1, total: 4, expired: 0 }],
    backlog: [{ type, expired: [3] }],
    failures: [{ type, at, message: type }],
  };
}

const names = Object.keys(templates) as TemplateName[];

describe('P13 mails', () => {
  it.each(names)('%s leads to APP_URL alone, in text and HTML alike', (template) => {
    const mail = render(template, 'Kim Lee');
    // Who is invited has not said yet what they are called.
    const greeting = template === 'invitation' ? 'Hello,' : 'Hello Kim Lee,';
    expect(mail.text).toContain(greeting);
    expect(mail.html).toContain(greeting);
    for (const link of mail.links) {
      expect(link).toMatch(/^https:\/\/app\.example\.com(\/[a-z-]+\?(token=a%2Bb%2Fc|id=[\da-f-]{36}))?$/);
      expect(mail.text).toContain(link);
      expect(mail.html).toContain(`href="${link}"`);
    }
    expect(addressesIn(mail.text)).toEqual(mail.links);
    expect(mail.html).not.toMatch(/<img|<link|<style|url\(/);
  });

  it.each(names)('case 11: %s gives names and addresses neither markup nor header nor link', (template) => {
    for (const name of HOSTILE) {
      const mail = render(template, name, `"${name}"@evil.example`);
      expect(mail.subject).not.toMatch(/[\r\n]/);
      expect(mail.subject).toBe(render(template, 'Kim').subject);
      expect(addressesIn(mail.text)).toEqual(mail.links);
      expect(mail.html).not.toMatch(/<script|<img|<b>|onerror=[^&]*>/i);
      expect(mail.html.match(/<a /g) ?? []).toHaveLength(mail.links.length);
      expect(addressesIn(mail.html.replace(/href="[^"]*"/g, '').replace(/<[^>]*>/g, ' '))).toEqual(mail.links);
      // A name cannot begin a line of its own.
      expect(mail.text.split('\n')[0]).toMatch(/^Hello/);
      expect(mail.text).not.toMatch(/^(Bcc|Visit|evil)/m);
    }
  });
});

const HOSTILE = [
  'Visit https://evil.example now',
  'https://evil.example/?a=b',
  'www.evil.example',
  'evil.example',
  'ｈｔｔｐｓ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ',
  'evil。example',
  'evil\u200b.example',
  'javascript:alert(1)',
  'mailto:mallory@evil.example',
  '\\\\evil.example\\share',
  'Kim\r\nBcc: everybody@evil.example',
  'Kim\u2028Visit evil.example',
  '<b>Kim</b><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><a href="https://evil.example">x</a>',
  '\u202Eelpmaxe.live',
];

/** What mail clients make links of: schemes, hosts with a top level, addresses. */
function addressesIn(text: string): string[] {
  return (
    text.match(/\b[a-z][a-z0-9+.-]*:[^\s<]+|\b[\w-]+(?:[.\u3002][\w-]{2,})+(?:\/\S*)?|\S+@\S+|\/\/\S+|\\\\\S+/gi) ?? []
  );
}

describe('plain', () => {
  it.each([
    ['Kim Lee', 'Kim Lee'],
    ['J.R.R. Tolkien', 'J. R. R. Tolkien'],
    ["Zoë O'Neill-García", "Zoë O'Neill-García"],
    ['李小龍', '李小龍'],
    ['kim@example.com', 'kim at example. com'],
    ['  Kim \t Lee\n', 'Kim Lee'],
    ['A/S', 'A/S'],
  ])('%j reads %j', (given, shown) => {
    expect(plain(given)).toBe(shown);
  });

  it('cuts what is too long to be a name', () => {
    expect(plain('a'.repeat(500))).toHaveLength(100);
  });
});

describe('passage', () => {
  it('holds what is no name, without links', () => {
    expect(passage('a '.repeat(500))).toBe('a '.repeat(500).trim());
    expect(passage('See https://evil.example:8080')).toBe('See https: / /evil. example: 8080');
  });

  it('is cut after a word, and says so', () => {
    expect(passage(`${'word '.repeat(199)}lengthy words`)).toBe(`${'word '.repeat(199)}and more`);
    expect(passage('a'.repeat(5_000))).toBe(`${'a'.repeat(1_000)} and more`);
  });
});

describe('a change of features that was not made', () => {
  it('says the whole reason, with paths that are no links', () => {
    const failure = `Changed since: ${Array.from({ length: 5 }, (_, at) => `feature f${at} (plans.pro, rules.0.value, defaultValue)`).join(', ')}`;
    const data = { name: 'Kim', requestId: 'r', title: 'Pilot', cause: { failure } };
    const { text } = renderMail('change-request-returned', data, links);
    expect(text).toContain('feature f4 (plans[pro], rules[0][value], defaultValue)');
    expect(text).not.toContain('plans.');
  });
});
